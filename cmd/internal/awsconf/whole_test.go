package awsconf

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// An answer outlives its connection, however long it is; a broken one is not
// taken for a short one.
func TestAnswersAreWhole(t *testing.T) {
	long := bytes.Repeat([]byte("answer "), 1<<17)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.Header().Set("Content-Length", "1000000")
			w.Write(long[:10]) //nolint:errcheck // the client reads it
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write(long) //nolint:errcheck // the client reads it
	}))
	defer s.Close()
	client := (&transports{env: environment{func(string) (string, bool) { return "", false }}}).client(trust{})
	resp, err := client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.CloseClientConnections()
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, long) {
		t.Errorf("%d of %d bytes, %v", len(got), len(long), err)
	}
	resp, err = client.Get(s.URL + "/broken")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); err == nil || string(got) != "answer ans" {
		t.Errorf("%q, %v", got, err)
	}
}
