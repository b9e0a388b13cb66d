package project

import (
	"slices"

	"github.com/seed-d81df0db/devserver/devserver/profile"
	"github.com/seed-d81df0db/devserver/sandbox"
)

// place says where in a devserver.yaml a key may stand.
type place int

const (
	inBoth  place = iota
	inWhole       // at the top alone
	inApp         // in an app alone
)

// A keyword is a key of devserver.yaml for those who write one: Init's file and the JSON schema are made of these, and a
// test holds them against what the reader takes.
type keyword struct {
	name    string
	where   place
	example string // in YAML; where isDefault, what holds without the key
	says    string // without a full stop
	schema  object
}

// object is one of JSON.
type object = map[string]any

// Kinds of values.
var (
	text      = object{"type": "string", "minLength": 1}
	anyText   = object{"type": []string{"string", "number", "boolean"}}
	boolean   = object{"type": "boolean"}
	texts     = object{"type": []string{"string", "array"}, "minLength": 1, "items": text}
	duration  = object{"type": "string", "pattern": `^(0|\+?([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|ms|s|m|h)(([0-9]*\.?[0-9]+|[0-9]+\.)(ns|us|µs|ms|s|m|h))*)$`}
	limit     = object{"type": []string{"string", "integer"}}
	address   = object{"type": "string", "pattern": `^.+:[0-9]+$`}
	variables = object{"type": []string{"object", "null"}, "propertyNames": object{"pattern": "^[^=]+$"}, "additionalProperties": anyText}
)

// keywords are in the order in which Init writes them.
var keywords = []keyword{
	{"name", inApp, "orders", "what the app is called; its folder's name where this says nothing", object{"type": "string", "pattern": `^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`}},
	{"path", inApp, "./orders", "the app's folder, from the folder of this file", text},
	{"addr", inBoth, "127.0.0.1:8080", "where the app answers, the first one when at the top; port 0 takes a free one", address},

	{"profile", inBoth, "appengine", `whose rules hold: a name of "devserver profiles", or a file such as ./mine.yaml`, text},
	{"billing", inBoth, "true", "false: as an app without billing; every socket is refused", boolean},
	{"rules", inBoth, "{loopback: report}", "by rule: enforce, report or off; all is every rule (devserver explain --rule NAME tells of one)", rulesSchema()},
	{"quotas", inBoth, "{connect: {per_minute: 4800, per_day: unlimited}}", "limits of production's quotas", quotasSchema()},
	{"reclaim", inBoth, "{idle: 2m}", "after how long an idle socket is gone; or never", limitSchema("idle")},
	{"deadline", inBoth, "60s", "after how long an operation ends, where rule deadline is enforced", limitSchema("after")},
	{"errors", inBoth, sandbox.ErrorStyles[0], "how errors are worded", object{"enum": sandbox.ErrorStyles}},
	{"options", inBoth, "real", "how socket options are answered", object{"enum": []string{sandbox.OptionsReal, sandbox.OptionsMock, sandbox.OptionsMockRaw}}},
	{"exceptions", inBoth, "[{host: db.example.com, ports: [5432], rules: [private]}]", "endpoints for which rules are lifted, or only reported", exceptionsSchema()},
	{"standins", inBoth, `["db.example.com:5432=127.0.0.1:5432"]`, "local addresses that serve those of production: PRODUCTION=LOCAL, or production, address and local", standinsSchema()},

	{"env", inBoth, `{DB: "db.example.com:5432"}`, "variables of the app; they win over the environment, .env and app.yaml", variables},
	{"env_file", inBoth, "[.env]", "files with variables, later ones win; a file named here must be there. Without the key: .env in the app's folder, if it is there", texts},

	{"build_flags", inBoth, "-race -tags=dev", "flags for go build, as a text or a list", texts},
	{"on_build", inBoth, "wait", "a request during a build waits for it, or gets the version before: wait or serve-old", object{"enum": []string{"wait", "serve-old"}}},
	{"wait_limit", inBoth, "30s", "how long a request waits for a version", duration},
	{"drain", inBoth, "30s", "how long the version before may finish its requests", duration},
	{"reload", inBoth, "true", "false: nothing is watched", boolean},
	{"live_reload", inBoth, "false", "true: open pages load again after a change", boolean},
	{"tls", inBoth, "false", "true: the app answers HTTPS, by a local certificate authority", boolean},
	{"debug", inBoth, DefaultDebug, "delve runs the app and listens here, of several apps each at the next port; true: at " + DefaultDebug, object{"oneOf": []object{boolean, address}}},
	{"assets", inBoth, "{templates: restart, static: reload}", "what a changed file asks for that is no code: restart, reload or ignore", assetsSchema()},
	{"watch", inBoth, `{extra: ["config/*.json"], ignore: ["static/generated/**"]}`, "globs, from the app's folder, of further files that count, and of files that do not", closed(object{"extra": texts, "ignore": texts})},

	{"console", inWhole, "127.0.0.1:8000", "where the console answers", address},
	{"data", inWhole, "./.devserver", "data directory; .devserver in the first app's folder where this says nothing", text},
	{"log_format", inWhole, "text", "text, or json: one object a line", object{"enum": []string{"text", "json"}}},
	{"ready_file", inWhole, "./ready.json", "written once every app accepts, with the addresses in it", text},
	{"keep", inWhole, "[2GiB, 14d]", "how much of the recording is kept, the newest: sizes, ages, or all", texts},
	{"journal_limit", inWhole, "1GiB", "how much may wait on disk to be recorded, or unlimited; an app that is faster is slowed", limit},
	{"capture", inWhole, "none", "what is recorded of the bytes on sockets: none, head or full", object{"enum": []string{"none", "head", "full"}}},
	{"capture_limit", inWhole, "64KiB", "at most so much of each socket, direction and layer; only with capture", limit},
	{"redact", inWhole, "[x-auth-token]", "further headers whose values are masked; only with capture", texts},
	{"keylog", inWhole, "./keys.log", "file to which the keys of the app's TLS connections are added", text},
	{"otlp", inWhole, "http://localhost:4318", "an OpenTelemetry store that gets what is recorded (OTLP/HTTP)", object{"type": "string", "pattern": "^https?://"}},
	{"otlp_headers", inWhole, "{x-api-key: secret}", "headers for it; only with otlp", variables},
}

// closed is an object with these keys alone.
func closed(properties object) object {
	return object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// described is a schema with a description.
func described(schema object, says string) object {
	s := object{"description": says}
	for k, v := range schema {
		s[k] = v
	}
	return s
}

func rulesSchema() object {
	modes := object{"enum": []sandbox.Mode{sandbox.ModeEnforce, sandbox.ModeReport, sandbox.ModeOff}}
	either := object{"oneOf": []object{modes, closed(object{"mode": modes, "source": text})}}
	of := object{profile.All: described(either, "every rule; one that is named too keeps its own")}
	for _, r := range sandbox.Rules {
		of[string(r)] = described(either, r.Title())
		if r.Allows() {
			of[string(r)] = described(closed(object{"source": text}), r.Title())
		}
	}
	return closed(of)
}

func quotasSchema() object {
	of := object{}
	for _, r := range sandbox.Resources {
		of[string(r)] = closed(object{"per_minute": limit, "per_day": limit, "source": text})
	}
	return closed(of)
}

func limitSchema(key string) object {
	return object{"oneOf": []object{limit, closed(object{key: limit, "source": text})}}
}

func assetsSchema() object {
	action := object{"enum": []string{"restart", "reload", "ignore"}}
	return closed(object{"templates": action, "static": action})
}

func exceptionsSchema() object {
	return object{"type": []string{"array", "null"}, "items": closed(object{
		"host": text, "address": text, "network": object{"enum": []string{"tcp", "udp"}},
		"ports": object{"type": "array"}, "rules": object{"type": "array"},
		"mode": object{"enum": []sandbox.Mode{sandbox.ModeOff, sandbox.ModeReport}}, "source": text,
	})}
}

func standinsSchema() object {
	one := closed(object{"production": text, "address": text, "local": text})
	one["required"] = []string{"local"}
	one["type"] = "object"
	return object{"type": []string{"array", "null"}, "items": object{"oneOf": []object{text, one}}}
}

// at are the keys that may stand at a place.
func at(where place) []keyword {
	return slices.DeleteFunc(slices.Clone(keywords), func(k keyword) bool { return k.where != inBoth && k.where != where })
}
