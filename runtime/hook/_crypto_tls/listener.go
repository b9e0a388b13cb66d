package tls

import (
	"internal/devserver/agent"
	"net"
)

// NewListener is where every server of TLS passes: production ends TLS before the app, so one on its own listener is
// worth a word.
func NewListener(inner net.Listener, config *Config) net.Listener {
	if a := agent.Get(); a != nil {
		a.ServesTLS(inner)
	}
	return devserverNewListener(inner, config)
}
