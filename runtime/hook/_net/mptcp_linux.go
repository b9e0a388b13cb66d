package net

import "internal/devserver/agent"

// supportsMultipathTCP finds out, once, whether the kernel has it, by making a socket that connects to nothing.
func supportsMultipathTCP() bool {
	if agent.Get() != nil {
		agent.Trust()
		defer agent.Distrust()
	}
	return devserverSupportsMultipathTCP()
}
