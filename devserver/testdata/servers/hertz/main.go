// Hertz serves with github.com/cloudwego/hertz on netpoll, which accepts on the duplicate of a listener.
package main

import (
	"context"
	"os"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
)

func main() {
	h := server.Default(server.WithHostPorts(":" + os.Getenv("PORT")))
	h.GET("/", func(_ context.Context, c *app.RequestContext) { c.String(200, "hertz for "+c.RemoteAddr().String()) })
	h.Spin()
}
