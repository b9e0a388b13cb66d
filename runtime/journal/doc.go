// Package journal keeps the events of one process in files that outlive it: what was recorded is found after the
// process was killed, at whatever moment. It is what lies between the sockets of a worker and the recording.
//
// A journal has a name and belongs to the one process that writes it. It consists of segments, files of a fixed size
// that are mapped into memory, and of a lock that its writer holds as long as it lives:
//
//	name.lock               flock'ed by the writer; the kernel lets go of it when the process ends, however it ends. It
//	                        holds a copy of the header and some numbers: see below
//	name.00000001.journal   256 KiB, so that a short run stays small
//	name.00000002.journal   1 MiB, then 4 MiB, then Options.Segment (16 MiB) each
//	name.new                a segment that is being made; it gets its name when it is complete
//
// Any number of goroutines record. Each reserves slots with one atomic addition, fills them, and commits them with
// one atomic store: no lock and no system call. Whoever passes the middle of a segment prepares the next one. The
// reader, mostly in another process, follows with plain reads, so that no damage to a file can crash it:
//
//	                 committed                       reserved   free
//	┌────────┬──────┬──────┬──────────────┬──────┬ ┄ ┄ ┄ ┄ ┬──────┬ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┬─────┐
//	│ header │ send │ recv │ connect  +1  │ send │    0     │ recv │ 0   0   0   0 │ pad │
//	└────────┴──────┴──────┴──────────────┴──────┴ ┄ ┄ ┄ ┄ ┴──────┴ ┄ ┄ ┄ ┄ ┄ ┄ ┄ ┴─────┘
//	0        4096            reader waits here ───▲          ▲
//	         while the writer lives; when it is dead the gap │ is torn and skipped
//
// # Format
//
// All numbers are little-endian. The header takes 4096 bytes and stands in them twice, at 0 and at 2048. Magic, version
// and checksum keep their place in every version, the rest may move.
//
//	 0  magic    "dsjrnl\r\n"        44  app's length, 16 bits
//	 8  version  32 bits             48  start of the writer, nanoseconds since 1970 UTC
//	12  pid      32 bits             56  0, 64 bits
//	16  number of the segment, 64    64  app's name, at most 256 bytes
//	24  size of the file, 64        508  CRC-32C of the 508 bytes before
//	32  run, 64
//
// The rest are slots of 64 bytes. Each begins with a word of 64 bits that is stored last, in one piece; 0 is a slot
// that nobody has committed. The checksum covers the 56 bytes after the word and begins with a mix of mark, kind and
// count, version, number of the segment and number of the slot: a slot is good only where it was written.
//
//	bits   0..31      32..39   40..47   48..63
//	     ┌──────────┬────────┬────────┬────────────────────────────────────────────────────────────┐
//	     │ CRC-32C  │ first  │ kind   │ slots of this record, at least 1                           │
//	     │ CRC-32C  │ more   │ 0      │ place of this slot in its record, at least 1               │
//	     │ CRC-32C  │ pad    │ 0      │ slots to pass over: the next record did not fit            │
//	     │ CRC-32C  │ end    │ 0      │ 0; the journal was closed, nothing follows                 │
//	     └──────────┴────────┴────────┴────────────────────────────────────────────────────────────┘
//
// The first slot of a record holds the numbers of an event, and whatever else fits:
//
//	 8  start            40  bytes
//	16  duration         48  close reason, 8 bits (and 8 that are 0)
//	24  socket           50  which of the following are present, 16 bits
//	32  request          52  12 bytes of text
//
// The text goes on in the 56 bytes of each further slot: the strings that are present, in the order of their bits, each
// behind its length as a uvarint (one of sandbox.Phrases is a length beyond the longest string and its place there, and
// nothing behind it), and behind those of a RequestInfo its three numbers as uvarints. A send or receive
// has no text, so it is one slot: one line of the processor's cache.
//
// Every slot of a record is committed, the first one last. A record whose writer was killed thus has no first slot,
// and the reader passes over the slots of its text, which say what they are.
//
// # The lock's file
//
// Numbers have 20 digits and end in a line feed. One that is missing, as in the file of an older writer, is 0.
//
//	 0  "dropped " events that could not be kept     64  a copy of the header, 512 bytes
//	29  "slowed "  nanoseconds that the program     576  "refused " how many of those dropped were so because of the limit
//	               waited for the reader            640  "read " segment, then offset: the place of the last Release
//
// The writer says the first three, the reader the last.
//
// # Limit
//
// With Options.Limit the segments that exist never have more bytes together. When the next one would be too much, the
// program waits inside Record until the reader has deleted one: it is slowed, and no event is lost. It waits as long as the
// reader gets on. When that has not for 5 seconds (it was killed, its own disk is full), events are dropped and counted
// as on a full disk, and recording goes on when there is room.
//
// # Full disk
//
// A segment's blocks are allocated before it is mapped: a mapped file without blocks kills its process with SIGBUS when
// the disk is full. When no next segment can be had, events are dropped and counted (the lock's file holds the count), the
// program goes on, and recording goes on when there is room. Power loss is not covered: nothing is ever synced.
package journal
