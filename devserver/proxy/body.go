package proxy

import (
	"bytes"
	"math"
)

// body finds the end of a body in bytes that pass by. It changes none. Chunks that net/http's server would not read
// make it otherwise: where they end is a matter of opinion, so nothing that follows is taken for HTTP.
type body struct {
	kind framing
	left int64 // byLength: of the body; byChunks: of the chunk
	at   chunkPart
	data int64 // bytes of the body itself that have passed
	line int   // bytes of the line that at is in
}

// chunkPart is what the next byte of a chunked body belongs to (RFC 9112, 7.1).
type chunkPart int

const (
	chunkSize chunkPart = iota
	chunkSpace
	chunkExtension
	chunkSizeEnd // LF
	chunkData
	chunkDataEnd // CR
	chunkDataLF
	trailerStart
	trailerLine
	trailerLineEnd // LF
	trailersEnd    // LF
)

// maxChunkLine is the longest chunk-size line that net/http's reader takes.
const maxChunkLine = 4096

// done tells whether all of the body has passed.
func (b *body) done() bool { return b.kind == noBody }

// take returns how many of the bytes at the beginning of p belong to the body.
func (b *body) take(p []byte) int {
	switch b.kind {
	case noBody:
		return 0
	case byLength:
		n := min(int64(len(p)), b.left)
		b.data += n
		if b.left -= n; b.left == 0 {
			b.kind = noBody
		}
		return int(n)
	case byChunks:
		return b.takeChunks(p)
	}
	b.data += int64(len(p))
	return len(p)
}

func (b *body) takeChunks(p []byte) int {
	for i := 0; i < len(p); {
		if b.at == chunkData {
			n := min(int64(len(p)-i), b.left)
			i += int(n)
			b.data += n
			if b.left -= n; b.left == 0 {
				b.at = chunkDataEnd
			}
			continue
		}
		if b.at == trailerLine || b.at == chunkExtension { // nothing but its end counts
			n := bytes.IndexAny(p[i:], "\r\n")
			if n < 0 {
				n = len(p) - i
			}
			if i += n; b.tooLong(n) {
				break
			}
			if i == len(p) {
				continue
			}
		}
		b.step(p[i])
		i++
		if b.kind != byChunks {
			if b.kind == noBody {
				return i
			}
			break
		}
	}
	return len(p)
}

// tooLong counts n bytes of a line.
func (b *body) tooLong(n int) bool {
	b.line += n
	if b.at < chunkData && b.line > maxChunkLine || b.line > maxHead {
		b.kind = otherwise
	}
	return b.kind == otherwise
}

// step takes one byte.
func (b *body) step(c byte) {
	switch b.at {
	case chunkSize, chunkSpace, chunkExtension:
		b.stepSize(c)
	case chunkSizeEnd:
		b.want(c, '\n', chunkData)
		if b.line = 0; b.left == 0 {
			b.at = trailerStart
		}
	case chunkDataEnd:
		b.want(c, '\r', chunkDataLF)
	case chunkDataLF:
		b.want(c, '\n', chunkSize)
		b.line, b.left = 0, 0
	case trailerStart:
		switch c {
		case '\r':
			b.at = trailersEnd
		case '\n':
			b.kind = otherwise
		default:
			b.at = trailerLine
		}
	case trailerLine:
		b.want(c, '\r', trailerLineEnd)
	case trailerLineEnd:
		b.want(c, '\n', trailerStart)
	case trailersEnd:
		if b.want(c, '\n', trailersEnd); b.kind == byChunks {
			b.kind = noBody
		}
	}
}

// want goes on to the next part if c is the byte that must stand here.
func (b *body) want(c, wanted byte, next chunkPart) {
	if c != wanted {
		b.kind = otherwise
		return
	}
	b.at = next
}

// stepSize takes one byte of a line "1f;name=value CR".
func (b *body) stepSize(c byte) {
	digit := hexDigit(c)
	switch {
	case b.tooLong(1):
	case b.at == chunkSize && digit >= 0:
		if b.line > 16 || b.left > math.MaxInt64>>4 { // net/http takes no more digits, and no int64 holds more
			b.kind = otherwise
		}
		b.left = b.left<<4 | int64(digit)
	case b.at == chunkSize && b.line == 1: // a size has a digit
		b.kind = otherwise
	case c == '\r':
		b.at = chunkSizeEnd
	case b.at == chunkExtension:
		b.kind = otherwise // LF alone; all others were skipped
	case c == ';' && b.at == chunkSize:
		b.at = chunkExtension
	case c == ' ' || c == '\t':
		b.at = chunkSpace
	default:
		b.kind = otherwise
	}
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
