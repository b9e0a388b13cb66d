module example.com/quota

go 1.25.0
