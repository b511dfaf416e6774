package plugin

import (
	"fmt"
	"sort"
	"strings"

	"ssmguard/internal/awsjson"
	"ssmguard/proxy"
)

// The AWS CLI hands JSON to the plugin with a blank behind commas and colons, and
// scripts read it back out of the process table, so it is written the same way here.

// response is the StartSession response as the plugin takes it. It carries the token.
func response(s *proxy.Session) string {
	return fmt.Sprintf(`{"SessionId": %s, "TokenValue": %s, "StreamUrl": %s}`,
		awsjson.Quote(s.ID), awsjson.Quote(s.Token.Reveal()), awsjson.Quote(s.StreamURL.Reveal()))
}

// request is the StartSession request as text: the caller's own if there is one,
// since only the caller knows the order of the parameters, else sorted.
func request(s proxy.Spec) string {
	if s.Request != "" {
		return s.Request
	}
	fields := []string{`"Target": ` + awsjson.Quote(s.Target)}
	if s.Document != "" {
		fields = append(fields, `"DocumentName": `+awsjson.Quote(s.Document))
	}
	if s.Reason != "" {
		fields = append(fields, `"Reason": `+awsjson.Quote(s.Reason))
	}
	if len(s.Parameters) > 0 {
		var ps []string
		for k, vs := range s.Parameters {
			var qs []string
			for _, v := range vs {
				qs = append(qs, awsjson.Quote(v))
			}
			ps = append(ps, awsjson.Quote(k)+": ["+strings.Join(qs, ", ")+"]")
		}
		sort.Strings(ps)
		fields = append(fields, `"Parameters": {`+strings.Join(ps, ", ")+"}")
	}
	return "{" + strings.Join(fields, ", ") + "}"
}
