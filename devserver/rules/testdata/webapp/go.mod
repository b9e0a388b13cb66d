module example.com/webapp

go 1.25.0
