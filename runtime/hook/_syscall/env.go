//go:build unix

package syscall

import _ "unsafe" // for go:linkname

// devserverConfig is the path of the agent's configuration, "" when there is none.
var devserverConfig string

// The variable leaves the environment before any package that can read it is initialised.
func init() {
	const name = "DEVSERVER_AGENT="
	kept := envs[:0]
	for _, s := range envs {
		if len(s) > len(name) && s[:len(name)] == name {
			devserverConfig = s[len(name):]
			continue
		}
		kept = append(kept, s)
	}
	envs = kept
	if devserverConfig != "" {
		runtimeUnsetenv(name[:len(name)-1]) // C's copy, in a program with cgo
	}
}

//go:linkname devserver_config internal/devserver/agent.configPath
func devserver_config() string { return devserverConfig }
