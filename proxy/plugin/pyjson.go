package plugin

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"ssmguard/proxy"
)

// The AWS CLI hands JSON to the plugin as Python's json.dumps writes it, and
// scripts read it back out of the process table, so we write it the same way.

// quote writes a string as json.dumps does: ASCII only. Bytes that are no UTF-8
// become lone surrogates, as they do in Python's command line.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\udc%02x`, s[i])
		case shortEscapes[r] != "":
			b.WriteString(shortEscapes[r])
		case r < ' ' || r > '~' && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r > '~':
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// response is the StartSession response as the plugin takes it. It carries the token.
func response(s *proxy.Session) string {
	return fmt.Sprintf(`{"SessionId": %s, "TokenValue": %s, "StreamUrl": %s}`,
		quote(s.ID), quote(s.Token.Reveal()), quote(s.StreamURL.Reveal()))
}

// request is the StartSession request as text: the caller's own if there is one,
// since only the caller knows the order of the parameters, else sorted.
func request(s proxy.Spec) string {
	if s.Request != "" {
		return s.Request
	}
	fields := []string{`"Target": ` + quote(s.Target)}
	if s.Document != "" {
		fields = append(fields, `"DocumentName": `+quote(s.Document))
	}
	if s.Reason != "" {
		fields = append(fields, `"Reason": `+quote(s.Reason))
	}
	if len(s.Parameters) > 0 {
		var ps []string
		for k, vs := range s.Parameters {
			var qs []string
			for _, v := range vs {
				qs = append(qs, quote(v))
			}
			ps = append(ps, quote(k)+": ["+strings.Join(qs, ", ")+"]")
		}
		sort.Strings(ps)
		fields = append(fields, `"Parameters": {`+strings.Join(ps, ", ")+"}")
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// pythonList writes arguments as Python prints a list of strings, which is how
// the AWS CLI names a command that failed.
func pythonList(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		q := "'"
		if strings.Contains(a, "'") && !strings.Contains(a, `"`) {
			q = `"`
		}
		r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
		a = r.Replace(a)
		if q == "'" {
			a = strings.ReplaceAll(a, "'", `\'`)
		}
		quoted[i] = q + a + q
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
