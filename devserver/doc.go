// Package devserver joins the rooms: it finds the apps (project), makes their Go (toolchain) and their rules
// (profile), builds them (build), runs them (worker) behind a front proxy (proxy), and shows what every socket did
// (storage, web). It alone sees all of these; each of them can be read on its own.
//
// Run starts one supervisor. Each app in it has a loop that owns the app's state:
//
//	watch ──changed──► app.run ──► build ──built──► app.run ──► worker.Start ──ready──► app.run ──► proxy.Use
//	                      ▲                                                                │
//	                      └──────────────── exit of a worker, with backoff ◄───────────────┘ the old one drains
//
// and each worker has an ingester, which reads its journal and writes it into the recording until the worker has
// ended and its journal is read to the end.
package devserver
