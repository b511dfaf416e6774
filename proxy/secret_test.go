package proxy_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"

	"ssmguard/proxy"
)

// TestSecretIsRedacted: whatever writes a Secret writes REDACTED, alone and in
// what holds it.
func TestSecretIsRedacted(t *testing.T) {
	secret := proxy.NewSecret("sesame")
	type holder struct{ Token proxy.Secret }
	session := proxy.Session{ID: "ann-1", Token: secret}
	written := map[string]string{
		"Errorf":   fmt.Errorf("no answer to %w: %v", errors.New("it"), secret).Error(),
		"json":     marshalled(t, json.Marshal, holder{secret}),
		"json key": marshalled(t, json.Marshal, map[proxy.Secret]int{secret: 1}),
		"xml":      marshalled(t, xml.Marshal, holder{secret}),
		"yaml":     marshalled(t, yaml.Marshal, holder{secret}),
		"LogValue": secret.LogValue().String(),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%10s"} {
		written[verb] = fmt.Sprintf(verb, secret)
		written[verb+" of a pointer"] = fmt.Sprintf(verb, &secret)
		written[verb+" of a struct"] = fmt.Sprintf(verb, holder{secret})
		written[verb+" of a session"] = fmt.Sprintf(verb, session)
		written[verb+" of a slice"] = fmt.Sprintf(verb, []proxy.Secret{secret})
	}
	var b strings.Builder
	if err := template.Must(template.New("").Parse("{{.Token}}")).Execute(&b, session); err != nil {
		t.Fatal(err)
	}
	written["template"] = b.String()
	for name, handler := range map[string]func(*strings.Builder) slog.Handler{
		"slog text": func(b *strings.Builder) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *strings.Builder) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		for how, args := range map[string][]any{
			"":             {"token", secret},
			" of a struct": {"session", session},
			" in a group":  {slog.Group("session", "token", secret)},
		} {
			var b strings.Builder
			slog.New(handler(&b)).Info("starts", args...)
			written[name+how] = b.String()
		}
	}
	b.Reset()
	log.New(&b, "", 0).Print(secret)
	written["log"] = b.String()
	for how, text := range written {
		if !strings.Contains(text, "REDACTED") || strings.Contains(text, "sesame") {
			t.Errorf("%s: %s", how, text)
		}
	}
	if got := secret.Reveal(); got != "sesame" {
		t.Errorf("revealed %q", got)
	}
	if got := (proxy.Secret{}).Reveal(); got != "" {
		t.Errorf("no secret is revealed as %q", got)
	}
}

// TestSecretIsNeverSeen: verbs that are not meant for strings, and fields whose
// methods fmt cannot call, show nothing of a Secret.
func TestSecretIsNeverSeen(t *testing.T) {
	secret := proxy.NewSecret("sesame")
	hidden := struct{ token proxy.Secret }{secret}
	held := map[string]proxy.Secret{"a": secret}
	for verb := 'A'; verb <= 'z'; verb++ {
		for _, flag := range []string{"", "+", "#", " ", "-9.3"} {
			format := "%" + flag + string(verb)
			for _, value := range []any{secret, hidden, &hidden, held, struct{ held any }{secret}} {
				text := fmt.Sprintf(format, value)
				for _, seen := range []string{"sesame", "115 101 115", "736573616d65", "736573616D65", "73 65 73"} {
					if strings.Contains(text, seen) {
						t.Errorf("%s of %T: %s", format, value, text)
					}
				}
			}
		}
	}
}

func marshalled(t *testing.T, marshal func(any) ([]byte, error), value any) string {
	t.Helper()
	text, err := marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
