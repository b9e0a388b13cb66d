package main

import (
	"fmt"
	"net"
	"net/netip"
)

func init() {
	// udp sends to a peer that sends back, connected and not.
	ways["udp"] = func(args []string) {
		c, err := net.Dial("udp", args[0])
		must(err)
		fmt.Println("remote", c.RemoteAddr())
		fmt.Fprint(c, "ping")
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		fmt.Printf("connected %q %v\n", buf[:n], err)
		c.Close()

		p, err := net.ListenPacket("udp", ":0")
		must(err)
		to, err := net.ResolveUDPAddr("udp", args[0])
		must(err)
		_, err = p.WriteTo([]byte("pong"), to)
		say("writeto", err)
		n, from, err := p.ReadFrom(buf)
		fmt.Printf("unconnected %q from %v %v\n", buf[:n], from, err)
		_, err = p.(*net.UDPConn).WriteToUDPAddrPort([]byte("no"), netip.MustParseAddrPort(args[1]))
		say("elsewhere", err)
		p.Close()
	}
}
