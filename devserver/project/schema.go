package project

import (
	"bytes"
	"encoding/json"
)

// Schema is the JSON schema (draft 2020-12) of devserver.yaml, for editors. It takes what Load takes, as far as a schema can
// say that.
func Schema() []byte {
	properties := func(where place) object {
		all := object{}
		for _, k := range at(where) {
			all[k.name] = described(k.schema, k.says)
		}
		return all
	}
	app := closed(properties(inApp))
	app["type"], app["required"] = "object", []string{"path"}
	top := properties(inWhole)
	top["apps"] = object{"type": []string{"array", "null"}, "items": app, "description": "the apps that run when no folder is named"}
	root := closed(top)
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", ConfigName
	root["description"] = "Settings of devserver; docs/config.md tells of each key."

	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // of constants alone; the tests make it
	}
	return b.Bytes()
}
