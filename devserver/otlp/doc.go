// Package otlp sends a recording to a store that speaks the OpenTelemetry protocol, as OTLP/HTTP with JSON bodies
// (opentelemetry.io/docs/specs/otlp, version 1).
//
//	Source (a recording) ─► mapper ─► batch ─► Sender ─► POST URL/v1/traces, /v1/logs, /v1/metrics
//	        ▲                                    │
//	        └── Export: all of it, by pages      └─ tries again while nobody answers
//	            Tail: what has ended, as it ends
//
// A request is a SERVER span, a socket a CLIENT span and child of the request that opened it, a look-up an INTERNAL span. A
// denial is a log record, what is used of a quota a gauge. docs/otlp.md has the whole table.
//
// Ids of traces and spans are made of what the recording says of a run and of the row's id. So nothing must be remembered
// about what was sent: a socket finds its request's span by itself, and what is sent a second time has the same id.
//
// Neither OpenTelemetry's SDK nor protobuf is used: the SDK's exporters bring grpc along, and JSON is part of the protocol.
package otlp
