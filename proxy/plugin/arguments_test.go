package plugin

import (
	"testing"

	"ssmguard/proxy"
)

func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		spec proxy.Spec
		want string
	}{
		{proxy.Spec{Target: "i-1"}, `{"Target": "i-1"}`},
		{proxy.Spec{Target: "i-1", Document: "D", Reason: "grüße", Parameters: map[string][]string{"b": {"2", "3"}, "a": {"1"}, "c": nil}},
			`{"Target": "i-1", "DocumentName": "D", "Reason": "gr\u00fc\u00dfe", "Parameters": {"a": ["1"], "b": ["2", "3"], "c": []}}`},
		{proxy.Spec{Target: "i-1", Request: `{"as": "written"}`}, `{"as": "written"}`},
	} {
		if got := request(tc.spec); got != tc.want {
			t.Errorf("request(%+v) = %s, want %s", tc.spec, got, tc.want)
		}
	}
}

func TestResponse(t *testing.T) {
	got := response(&proxy.Session{ID: "ann-1", Token: proxy.NewSecret("AAEAAToken+/=="), StreamURL: proxy.NewSecret("wss://h/v1?role=publish_subscribe")})
	want := `{"SessionId": "ann-1", "TokenValue": "AAEAAToken+/==", "StreamUrl": "wss://h/v1?role=publish_subscribe"}`
	if got != want {
		t.Errorf("response %s, want %s", got, want)
	}
}

func TestTakesVariable(t *testing.T) {
	for version, want := range map[string]bool{
		"1.2.497.0": false, "1.2.497.1": true, "1.2.498.0\n": true, "1.2.707.0\r\n": true, "1.2.30.0": false, "1.3": true, "2": true, "1": false,
		"1.1.999.9": false, "v1.2.707.0": false, "1.2.707.0.0": false, "": false, "1.2.7 07.0": true, "1.2.x.0": false,
	} {
		if got := takesVariable(version); got != want {
			t.Errorf("takesVariable(%q) = %v", version, got)
		}
	}
}
