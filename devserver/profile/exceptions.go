package profile

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/seed-d81df0db/devserver/devserver/yamlfile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// readExceptions reads a list of endpoints for which rules are lifted or only reported.
//
//	exceptions:
//	  - {host: db.example.com, ports: [5432], rules: [private]}
//	  - {host: "*.example.com", rules: [private], mode: report}
//	  - {address: 10.1.0.0/16, network: tcp, ports: [80], rules: [private], source: the office}
//	  - {ports: [25], rules: [port25]}
func (o *Overrides) readExceptions(d *yamlfile.Document, n ast.Node) error {
	if _, ok := d.Value(n).(*ast.SequenceNode); ok {
		o.Exceptions = []sandbox.Exception{} // an empty list says that there are none
	}
	return d.List(n, "exceptions", func(n ast.Node) error {
		var x sandbox.Exception
		err := d.Mapping(n, "an exception", text(d, "host", &x.Host),
			yamlfile.Field{Key: "address", Read: func(_, v ast.Node) error { return readAddress(d, v, &x) }},
			choice(d, "network", &x.Network, "tcp", "udp"),
			yamlfile.Field{Key: "ports", Read: func(_, v ast.Node) error { return readPorts(d, v, &x.Ports) }},
			yamlfile.Field{Key: "rules", Read: func(_, v ast.Node) error { return readExcepted(d, v, &x.Rules) }},
			choice(d, "mode", (*string)(&x.Mode), string(sandbox.ModeOff), string(sandbox.ModeReport)),
			text(d, "source", &x.Source))
		if err != nil {
			return err
		}
		if err := x.Check(); err != nil {
			return d.Errorf(n, "%s", err)
		}
		if x.Source == "" {
			x.Source = d.Place(n).String()
		}
		o.Exceptions = append(o.Exceptions, x)
		return nil
	})
}

// readAddress reads an IP address or a prefix.
func readAddress(d *yamlfile.Document, n ast.Node, x *sandbox.Exception) error {
	text, err := d.Scalar(n, "address")
	if err != nil {
		return err
	}
	if strings.Contains(text, "/") {
		x.Prefix, err = netip.ParsePrefix(text)
	} else {
		x.Addr, err = netip.ParseAddr(text)
	}
	if err != nil {
		return d.Errorf(n, "an exception: address %q is no IP address; write one such as 10.1.2.3 or 10.1.0.0/16, a name as host", text)
	}
	return nil
}

func readPorts(d *yamlfile.Document, n ast.Node, to *[]uint16) error {
	return d.List(n, "ports", func(n ast.Node) error {
		text, err := d.Scalar(n, "ports")
		if err != nil {
			return err
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return d.Errorf(n, "ports: %q is not a port from 1 to 65535", text)
		}
		*to = append(*to, uint16(port))
		return nil
	})
}

// readExcepted reads the rules of an exception.
func readExcepted(d *yamlfile.Document, n ast.Node, to *[]sandbox.Rule) error {
	return d.List(n, "rules", func(n ast.Node) error {
		text, err := d.Scalar(n, "rules")
		if err != nil {
			return err
		}
		if !slices.Contains(sandbox.Exceptable, sandbox.Rule(text)) {
			var names []string
			for _, r := range sandbox.Exceptable {
				names = append(names, string(r))
			}
			return d.Errorf(n, "rules: there is no exception to %q; accepted: %s", text, strings.Join(names, ", "))
		}
		*to = append(*to, sandbox.Rule(text))
		return nil
	})
}

// applyExceptions puts the list in front of those that hold already, so that it decides where both fit.
func (o *Overrides) applyExceptions(p *sandbox.Policy) {
	if o.Exceptions == nil {
		return
	}
	all := slices.Clone(o.Exceptions)
	if len(all) == 0 {
		p.Exceptions = all
		return
	}
	for _, x := range p.Exceptions {
		if !slices.ContainsFunc(all, func(own sandbox.Exception) bool { return sameException(own, x) }) {
			all = append(all, x)
		}
	}
	p.Exceptions = all
}

// sameException tells whether two exceptions say the same, whatever their sources.
func sameException(x, y sandbox.Exception) bool {
	return x.Host == y.Host && x.Addr == y.Addr && x.Prefix == y.Prefix && x.Network == y.Network && x.Mode == y.Mode &&
		slices.Equal(x.Ports, y.Ports) && slices.Equal(x.Rules, y.Rules)
}

// choice is a field whose value is one of a few words.
func choice(d *yamlfile.Document, key string, to *string, words ...string) yamlfile.Field {
	return yamlfile.Field{Key: key, Read: func(_, v ast.Node) error { return readWord(d, v, key, words, to) }}
}
