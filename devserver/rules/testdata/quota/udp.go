package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// The ways in which package net sends a datagram from a socket that is not connected, and receives one.
var (
	sends = map[string]func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error){
		"WriteTo": func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error) {
			return c.WriteTo(b, net.UDPAddrFromAddrPort(to))
		},
		"WriteToUDP": func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error) {
			return c.WriteToUDP(b, net.UDPAddrFromAddrPort(to))
		},
		"WriteToUDPAddrPort": func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error) { return c.WriteToUDPAddrPort(b, to) },
		"WriteMsgUDP": func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error) {
			n, _, err := c.WriteMsgUDP(b, nil, net.UDPAddrFromAddrPort(to))
			return n, err
		},
		"WriteMsgUDPAddrPort": func(c *net.UDPConn, b []byte, to netip.AddrPort) (int, error) {
			n, _, err := c.WriteMsgUDPAddrPort(b, nil, to)
			return n, err
		},
	}
	receives = map[string]func(c *net.UDPConn, b []byte) (int, any, error){
		"Read": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, err := c.Read(b)
			return n, c.RemoteAddr(), err
		},
		"ReadFrom": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, from, err := c.ReadFrom(b)
			return n, from, err
		},
		"ReadFromUDP": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, from, err := c.ReadFromUDP(b)
			return n, from, err
		},
		"ReadFromUDPAddrPort": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, from, err := c.ReadFromUDPAddrPort(b)
			return n, from, err
		},
		"ReadMsgUDP": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, _, _, from, err := c.ReadMsgUDP(b, nil)
			return n, from, err
		},
		"ReadMsgUDPAddrPort": func(c *net.UDPConn, b []byte) (int, any, error) {
			n, _, _, from, err := c.ReadMsgUDPAddrPort(b, nil)
			return n, from, err
		},
	}
)

func init() {
	steps["udp"] = func(p *program, args []string) (string, error) {
		c, err := net.ListenPacket(args[0], ":0")
		if err == nil {
			p.packet = c
		}
		return "", err
	}
	steps["multicast"] = func(_ *program, args []string) (string, error) {
		c, err := net.ListenMulticastUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(args[0])))
		if err == nil {
			c.Close()
		}
		return "", err
	}
	steps["send"] = func(p *program, args []string) (string, error) {
		n, err := sends[args[0]](p.packet.(*net.UDPConn), make([]byte, number(args[2])), netip.MustParseAddrPort(args[1]))
		return strconv.Itoa(n), err
	}
	steps["receive"] = func(p *program, args []string) (string, error) {
		n, from, err := receives[args[0]](p.packet.(*net.UDPConn), make([]byte, 2000))
		if err != nil {
			return "", err
		}
		return fmt.Sprint(n, " from ", from), nil
	}
	// connected makes the newest connection the socket of send and receive.
	steps["connected"] = func(p *program, _ []string) (string, error) {
		p.packet = p.conn.(*net.UDPConn)
		return p.packet.LocalAddr().String(), nil
	}
	steps["expired"] = func(p *program, _ []string) (string, error) {
		return "", p.packet.SetReadDeadline(time.Unix(1, 0))
	}
	steps["closepacket"] = func(p *program, _ []string) (string, error) { return "", p.packet.Close() }
}
