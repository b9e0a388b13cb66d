package export

import (
	"encoding/binary"
	"io"
	"strings"
)

// Block types and option codes of pcapng (draft-ietf-opsawg-pcapng). gopacket's own writer knows no comments on packets.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6

	optionEnd         = 0
	optionComment     = 1
	optionName        = 2 // of an interface
	optionDescription = 3 // of an interface
	optionUserAppl    = 4 // of a section
	optionTSResol     = 9 // of an interface

	linkRaw = 101 // a packet begins with its IP header
)

// blocks writes pcapng. After an error it writes nothing more.
type blocks struct {
	w     io.Writer
	block []byte // reused
	err   error
}

func (b *blocks) section(program string) {
	body := b.begin(blockSection)
	body = binary.LittleEndian.AppendUint32(body, 0x1A2B3C4D)
	body = binary.LittleEndian.AppendUint16(body, 1) // version 1.0
	body = binary.LittleEndian.AppendUint16(body, 0)
	body = binary.LittleEndian.AppendUint64(body, 1<<64-1) // length: until the file's end
	b.end(options(body, option{optionUserAppl, program}))
}

// network adds an interface; they are numbered from 0 in the order in which they are added.
func (b *blocks) network(name, description string) {
	body := b.begin(blockInterface)
	body = binary.LittleEndian.AppendUint16(body, linkRaw)
	body = binary.LittleEndian.AppendUint16(body, 0)
	body = binary.LittleEndian.AppendUint32(body, 0) // no limit of length
	b.end(options(body, option{optionName, name}, option{optionDescription, description}, option{optionTSResol, "\x09"}))
}

// packet adds a packet of an interface. whole is its length before it was cut to data, at nanoseconds since 1970 UTC.
func (b *blocks) packet(network int, at int64, data []byte, whole int, comments []string) {
	body := b.begin(blockPacket)
	body = binary.LittleEndian.AppendUint32(body, uint32(network))
	body = binary.LittleEndian.AppendUint32(body, uint32(uint64(at)>>32))
	body = binary.LittleEndian.AppendUint32(body, uint32(at))
	body = binary.LittleEndian.AppendUint32(body, uint32(len(data)))
	body = binary.LittleEndian.AppendUint32(body, uint32(whole))
	body = pad(append(body, data...))
	if len(comments) > 0 {
		all := make([]option, len(comments))
		for i, c := range comments {
			all[i] = option{optionComment, c}
		}
		body = options(body, all...)
	}
	b.end(body)
}

// begin starts a block with its type and room for its length.
func (b *blocks) begin(kind uint32) []byte {
	return append(binary.LittleEndian.AppendUint32(b.block[:0], kind), 0, 0, 0, 0)
}

// end sets the length, which stands at both ends, and writes the block.
func (b *blocks) end(body []byte) {
	n := uint32(len(body) + 4)
	binary.LittleEndian.PutUint32(body[4:], n)
	b.block = binary.LittleEndian.AppendUint32(body, n)
	if b.err == nil {
		_, b.err = b.w.Write(b.block)
	}
}

// option is a code with its value.
type option struct {
	code  uint16
	value string
}

// longest is how much of an option is written; its length has 16 bits.
const longest = 4096

func options(body []byte, all ...option) []byte {
	for _, o := range all {
		if o.value == "" {
			continue
		}
		v := o.value
		if o.code != optionTSResol {
			v = strings.ToValidUTF8(v, "�")
		}
		if len(v) > longest {
			v = strings.ToValidUTF8(v[:longest], "")
		}
		body = binary.LittleEndian.AppendUint16(body, o.code)
		body = binary.LittleEndian.AppendUint16(body, uint16(len(v)))
		body = pad(append(body, v...))
	}
	return append(body, optionEnd, 0, 0, 0)
}

// pad fills up to a multiple of four bytes, as all of pcapng is aligned. What stands before it is a multiple already.
func pad(body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	return body
}
