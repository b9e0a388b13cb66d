package export

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/seed-d81df0db/devserver/sandbox/record"
)

// Version is the version of the ndjson format. A field or type more makes a new version, so that nothing is lost in silence
// by a devserver that does not know it.
const Version = 1

// header is the first line.
type header struct {
	Devserver string `json:"devserver"` // always "recording"
	Version   int    `json:"version"`
	Partial   bool   `json:"partial,omitempty"` // filters left something out
}

// text is a string of the app's or a peer's. JSON cannot hold bytes that are no UTF-8: such a text is an object,
// {"base64": "..."}.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(raw{[]byte(t)})
}

func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var r raw
		err := json.Unmarshal(data, &r)
		*t = text(r.Base64)
		return err
	}
	return json.Unmarshal(data, (*string)(t))
}

type raw struct {
	Base64 []byte `json:"base64"`
}

// The lines of the format: the columns of a table, with the word that names it in front. Times are nanoseconds since 1970
// UTC. A field with omitempty is left out where the table holds NULL; those without it are never NULL.
type (
	runLine struct {
		Type      string `json:"type"`
		ID        int64  `json:"id"`
		App       text   `json:"app"`
		StartedAt int64  `json:"started_at"`
		EndedAt   int64  `json:"ended_at,omitempty"`
		PID       int    `json:"pid,omitempty"`
		GoVersion text   `json:"go_version,omitempty"`
		Revision  text   `json:"revision,omitempty"`
		BuildMS   int64  `json:"build_ms,omitempty"`
		Profile   text   `json:"profile,omitempty"`
		Exit      text   `json:"exit,omitempty"`
		BuildID   int64  `json:"build_id,omitempty"`
		ReadyAt   int64  `json:"ready_at,omitempty"`
		LastWords text   `json:"last_words,omitempty"`
	}
	buildLine struct {
		Type       string `json:"type"`
		ID         int64  `json:"id"`
		App        text   `json:"app"`
		StartedAt  int64  `json:"started_at"`
		DurationNS int64  `json:"duration_ns"`
		Outcome    string `json:"outcome"`
		Files      []text `json:"files,omitempty"`
		Errors     []text `json:"errors,omitempty"`
	}
	requestLine struct {
		Type       string `json:"type"`
		ID         int64  `json:"id"`
		RunID      int64  `json:"run_id,omitempty"`
		App        text   `json:"app"`
		StartedAt  int64  `json:"started_at"`
		DurationNS int64  `json:"duration_ns,omitempty"`
		Method     text   `json:"method,omitempty"`
		URL        text   `json:"url,omitempty"`
		Status     int    `json:"status,omitempty"`
		BytesIn    int64  `json:"bytes_in"`
		BytesOut   int64  `json:"bytes_out"`
		RemoteAddr text   `json:"remote_addr,omitempty"`
		Error      text   `json:"error,omitempty"`
		Proto      text   `json:"proto,omitempty"`
	}
	socketLine struct {
		Type          string `json:"type"`
		ID            int64  `json:"id"`
		RunID         int64  `json:"run_id,omitempty"`
		App           text   `json:"app"`
		RequestID     int64  `json:"request_id,omitempty"`
		Network       text   `json:"network,omitempty"`
		Host          text   `json:"host,omitempty"`
		RemoteAddr    text   `json:"remote_addr,omitempty"`
		LocalAddr     text   `json:"local_addr,omitempty"`
		Standin       text   `json:"standin,omitempty"`
		OpenedAt      int64  `json:"opened_at"`
		ClosedAt      int64  `json:"closed_at,omitempty"`
		State         string `json:"state"`
		CloseReason   string `json:"close_reason,omitempty"`
		BytesSent     int64  `json:"bytes_sent"`
		BytesReceived int64  `json:"bytes_received"`
		Sends         int64  `json:"sends"`
		Receives      int64  `json:"receives"`
		CallSite      text   `json:"call_site,omitempty"`
		LastAt        int64  `json:"last_at"`
		Rule          string `json:"rule,omitempty"`
		FirstEvent    int64  `json:"first_event,omitempty"`
		LastEvent     int64  `json:"last_event,omitempty"`
		UsedEvent     int64  `json:"used_event,omitempty"`
		Uses          int64  `json:"uses,omitempty"`
	}
	eventLine struct {
		Type       string `json:"type"`
		ID         int64  `json:"id"`
		RunID      int64  `json:"run_id,omitempty"`
		SocketID   int64  `json:"socket_id,omitempty"`
		RequestID  int64  `json:"request_id,omitempty"`
		At         int64  `json:"at"`
		Kind       string `json:"kind"`
		Bytes      int64  `json:"bytes,omitempty"`
		DurationNS int64  `json:"duration_ns,omitempty"`
		Rule       string `json:"rule,omitempty"`
		Error      text   `json:"error,omitempty"`
		Detail     text   `json:"detail,omitempty"`
	}
	denialLine struct {
		Type        string `json:"type"`
		ID          int64  `json:"id"`
		RunID       int64  `json:"run_id"`
		App         text   `json:"app"`
		Rule        string `json:"rule"`
		CallSite    text   `json:"call_site"`
		Destination text   `json:"destination"`
		Network     text   `json:"network"`
		Host        text   `json:"host"`
		RemoteAddr  text   `json:"remote_addr"`
		Count       int64  `json:"count"`
		FirstAt     int64  `json:"first_at"`
		LastAt      int64  `json:"last_at"`
		LastEvent   int64  `json:"last_event"`
	}
	logLine struct {
		Type      string `json:"type"`
		ID        int64  `json:"id"`
		RunID     int64  `json:"run_id,omitempty"`
		App       text   `json:"app"`
		At        int64  `json:"at"`
		Stream    string `json:"stream"`
		RequestID int64  `json:"request_id,omitempty"`
		Text      text   `json:"text"`
	}
	payloadLine struct {
		Type      string `json:"type"`
		ID        int64  `json:"id"`
		SocketID  int64  `json:"socket_id"`
		EventID   int64  `json:"event_id,omitempty"`
		RequestID int64  `json:"request_id,omitempty"`
		At        int64  `json:"at"`
		Direction string `json:"direction"`
		Layer     string `json:"layer"`
		Place     int64  `json:"place"`
		Data      []byte `json:"data"` // base64
	}
	gapLine struct {
		Type   string `json:"type"`
		ID     int64  `json:"id"`
		RunID  int64  `json:"run_id,omitempty"`
		App    text   `json:"app"`
		At     int64  `json:"at"`
		Events int64  `json:"events"`
		Reason text   `json:"reason"`
	}
	usageLine struct {
		Type        string `json:"type"`
		App         text   `json:"app"`
		Resource    string `json:"resource"`
		Window      string `json:"window"`
		WindowStart int64  `json:"window_start"`
		Used        int64  `json:"used"`
		Limit       int64  `json:"limit"`
	}
)

func lineOfRun(r record.Run) any {
	return &runLine{"run", r.ID, text(r.App), r.StartedAt, r.EndedAt, r.PID, text(r.GoVersion), text(r.Revision), r.BuildMS,
		text(r.Profile), text(r.Exit), r.BuildID, r.ReadyAt, text(r.LastWords)}
}

func lineOfBuild(b record.Build) any {
	return &buildLine{"build", b.ID, text(b.App), b.StartedAt, b.DurationNS, b.Outcome, texts[text](b.Files), texts[text](b.Errors)}
}

func lineOfRequest(r record.Request) any {
	return &requestLine{"request", r.ID, r.RunID, text(r.App), r.StartedAt, r.DurationNS, text(r.Method), text(r.URL), r.Status,
		r.BytesIn, r.BytesOut, text(r.RemoteAddr), text(r.Error), text(r.Proto)}
}

func lineOfSocket(s record.Socket) any {
	return &socketLine{"socket", s.ID, s.RunID, text(s.App), s.RequestID, text(s.Network), text(s.Host), text(s.RemoteAddr), text(s.LocalAddr),
		text(s.Standin), s.OpenedAt, s.ClosedAt, s.State, s.CloseReason, s.BytesSent, s.BytesReceived, s.Sends, s.Receives, text(s.CallSite),
		s.LastAt, s.Rule, s.FirstEvent, s.LastEvent, s.UsedEvent, s.Uses}
}

func lineOfEvent(e record.Event) any {
	return &eventLine{"event", e.ID, e.RunID, e.SocketID, e.RequestID, e.At, e.Kind, e.Bytes, e.DurationNS, e.Rule, text(e.Error), text(e.Detail)}
}

func lineOfDenial(d record.DenialRow) any {
	return &denialLine{"denial", d.ID, d.RunID, text(d.App), d.Rule, text(d.CallSite), text(d.Destination), text(d.Network), text(d.Host),
		text(d.RemoteAddr), d.Count, d.FirstAt, d.LastAt, d.LastEvent}
}

func lineOfLog(l record.Log) any {
	return &logLine{"log", l.ID, l.RunID, text(l.App), l.At, l.Stream, l.RequestID, text(l.Text)}
}

func lineOfPayload(p record.Payload) any {
	return &payloadLine{"payload", p.ID, p.SocketID, p.EventID, p.RequestID, p.At, p.Direction, p.Layer, p.Place, append([]byte{}, p.Data...)}
}

func lineOfGap(g record.Gap) any {
	return &gapLine{"gap", g.ID, g.RunID, text(g.App), g.At, g.Events, text(g.Reason)}
}

func lineOfUsage(u record.QuotaUsage) any {
	return &usageLine{"quota_usage", text(u.App), u.Resource, u.Window, u.WindowStart, u.Used, u.Limit}
}

func texts[To, From ~string](from []From) []To {
	var to []To
	for _, s := range from {
		to = append(to, To(s))
	}
	return to
}
