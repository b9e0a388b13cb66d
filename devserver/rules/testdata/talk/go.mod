module example.com/talk

go 1.25.0
