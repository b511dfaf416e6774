package policy

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"ssmguard/guard/policy/scalar"
)

// notScalar is a text that is no number, date or address.
const notScalar = "x"

// scalarValues returns one value of every class that the comparisons with
// numbers, dates and prefixes tell apart, and whether these are all. Where AWS
// does not fix the key's type, a value of no such type is one more class.
func (q *question) scalarValues(kind scalar.Domain) ([]string, bool) {
	var out []string
	complete := true
	asked := 0
	if q.families[famIP] || kind == scalar.Addresses {
		asked++
		out = append(out, q.addresses()...)
	}
	if q.families[famNumeric] || q.families[famDate] || kind == scalar.Numbers || kind == scalar.Dates {
		asked++
		values, ok := q.points(q.families[famDate] || kind == scalar.Dates)
		out, complete = append(out, values...), ok
	}
	if asked > 0 && kind == scalar.Texts {
		out = append(out, notScalar)
	}
	return out, complete && asked < 2
}

// points returns the thresholds of numbers and dates, a value between each two,
// one below and one above them.
func (q *question) points(dates bool) ([]string, bool) {
	var at []float64
	complete := true
	for _, v := range q.scalars {
		f := math.Float64frombits(v.Hi)
		switch v.Kind {
		case scalar.Instant:
			f = float64(int64(v.Hi)) + float64(v.Lo)/1e9
			complete = complete && (v.Lo == 0 || v.Lo%1e6 == 0 && f < 1e10)
		case scalar.Integer, scalar.Decimal:
		default:
			continue
		}
		complete = complete && math.Abs(f) < 1<<50 && (f == math.Trunc(f) || math.Abs(f) < 1e10)
		at = append(at, f)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	if len(at) == 0 {
		at = []float64{1}
	}
	all := []float64{at[0] - 1}
	for i, f := range at {
		all = append(all, f)
		if i+1 < len(at) {
			all = append(all, f+(at[i+1]-f)/2)
		}
	}
	all = append(all, at[len(at)-1]+1)
	var out []string
	for _, f := range all {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if dates && f < 0 { // as epoch seconds this would read as a year
			text = time.Unix(int64(math.Floor(f)), 0).UTC().Format(time.RFC3339)
			complete = complete && f == math.Trunc(f) && !q.families[famNumeric] && f > -6e10
		}
		out = append(out, text)
	}
	return out, complete
}

// addresses returns the first address of every range that the prefixes cut both
// address families into.
func (q *question) addresses() []string {
	v4, v6 := []netip.Addr{netip.IPv4Unspecified()}, []netip.Addr{netip.IPv6Unspecified()}
	for _, p := range q.scalars {
		var addr netip.Addr
		var b [16]byte
		for i := range 8 {
			b[i], b[i+8] = byte(p.Hi>>(56-8*i)), byte(p.Lo>>(56-8*i))
		}
		switch p.Kind {
		case scalar.IPv4:
			addr = netip.AddrFrom4([4]byte(b[12:]))
		case scalar.IPv6:
			addr = netip.AddrFrom16(b)
		default:
			continue
		}
		prefix, _ := addr.Prefix(int(p.Bits))
		ends := []netip.Addr{prefix.Addr()}
		if next := afterPrefix(prefix); next.IsValid() {
			ends = append(ends, next)
		}
		if p.Kind == scalar.IPv4 {
			v4 = append(v4, ends...)
		} else {
			v6 = append(v6, ends...)
		}
	}
	var out []string
	for _, list := range [][]netip.Addr{v4, v6} {
		slices.SortFunc(list, netip.Addr.Compare)
		for _, a := range slices.Compact(list) {
			out = append(out, a.String())
		}
	}
	return out
}

// afterPrefix returns the address behind the last one of a prefix; it is not
// valid when there is none.
func afterPrefix(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last.Next()
}
