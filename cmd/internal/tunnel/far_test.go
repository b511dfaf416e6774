package tunnel

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/configs"
)

// Options for another far end leave nothing of the configured one.
func TestFarEndOverConfiguration(t *testing.T) {
	base := configs.Tunnel{Target: "t", RDS: "orders", Reader: true, Port: 5433}
	for _, test := range []struct {
		words string
		want  configs.Tunnel
	}{
		{"x", configs.Tunnel{Target: "t", RDS: "orders", Reader: true, Port: 5433}},
		{"x --rds legacy", configs.Tunnel{Target: "t", RDS: "legacy"}},
		{"x --elasticache sessions --reader", configs.Tunnel{Target: "t", ElastiCache: "sessions", Reader: true}},
		{"x --host h --port 1", configs.Tunnel{Target: "t", Host: "h", Port: 1}},
	} {
		o, err := verbs[0].parse(strings.Fields(test.words), func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		got := o.over(base)
		got.LocalPort = 0
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(configs.Tunnel{})); diff != "" {
			t.Errorf("%s: %s", test.words, diff)
		}
	}
}
