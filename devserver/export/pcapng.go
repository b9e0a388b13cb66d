package export

import (
	"context"
	"errors"
	"io"
)

// PCAPNG writes the sockets for Wireshark.
func PCAPNG(context.Context, io.Writer, Source, Options) error {
	return errors.New("pcapng: not in this build; choose --format ndjson or har")
}
