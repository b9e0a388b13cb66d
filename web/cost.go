package web

import (
	"strconv"

	"github.com/seed-d81df0db/devserver/sandbox"
)

// Production bills what sockets send as outgoing bandwidth: 0.12 US$ for each GB, which is 10^9 bytes; what they receive
// and the calls are free. Apps had a free GB of outgoing bandwidth, which other traffic shares; none of it is taken off.
const (
	centsPerGB = 12
	gigabyte   = 1_000_000_000
	costSource = "App Engine, \"Pricing\" (April 2016): outgoing bandwidth, 0.12 US$ per GB; and the Javadoc of its sockets (2016): their traffic is billed so"
)

// costUSD is what sending so many bytes costs.
func costUSD(bytes int64) float64 { return float64(bytes) * centsPerGB / (100 * gigabyte) }

// cost writes it for a person, in dollars and cents.
func cost(bytes int64) string {
	switch usd := costUSD(bytes); {
	case bytes == 0:
		return "nothing"
	case usd < 0.005:
		return "less than US$ 0.01"
	default:
		return "about US$ " + strconv.FormatFloat(usd, 'f', 2, 64)
	}
}

// sentToday is what an app has sent in production's present day.
func (a App) sentToday() int64 {
	q, _ := a.quota(sandbox.ResourceBytesSent, "day")
	return q.Used
}
