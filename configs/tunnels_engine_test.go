package configs

import (
	"strings"
	"testing"
)

// TestEngineOfDatabase: a tunnel's engine is what carries its sessions, or that of its
// database; both may be given, and what a database runs is an effect to be trusted.
func TestEngineOfDatabase(t *testing.T) {
	for _, test := range []struct{ keys, engine, db, fault string }{
		{"engine: mysql", "", "mysql", ""},
		{"engine: plugin", "plugin", "", ""},
		{"engine: plugin, db_engine: mysql", "plugin", "mysql", ""},
		{"engine: mysql, db_engine: postgres", "mysql", "postgres", `tunnels.a.engine: "mysql" is not valid; valid: plugin, native; the engine of a database is its tunnel's, once`},
		{"engine: mysqll", "mysqll", "", `tunnels.a.engine: "mysqll" is not valid; valid: plugin, native, or a database's: postgres, `},
		{"db_engine: native", "", "native", `tunnels.a.db_engine: "native" is not valid; valid: postgres, `},
	} {
		f, root, err := Variables{}.decode("f", []byte("tunnels:\n  a: {target: t, port: 1, "+test.keys+"}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if a := f.Tunnels["a"]; a.Engine != test.engine || a.DBEngine != test.db {
			t.Errorf("%s: %q, %q", test.keys, a.Engine, a.DBEngine)
		}
		fault := f.validate("f", root).Err()
		if (fault == nil) != (test.fault == "") || fault != nil && !strings.Contains(fault.Error(), test.fault) {
			t.Errorf("%s: %v", test.keys, fault)
		}
	}
	if got := (Login{DBEngine: "mysql", User: "app"}).text(); got != `user "app", engine mysql` {
		t.Error(got)
	}
}
