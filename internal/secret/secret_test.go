package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "canary-7c1"

func TestNothingPrintsIt(t *testing.T) {
	type open struct{ T Text }
	type closed struct{ t Text }
	values := []any{New(canary), open{New(canary)}, &open{New(canary)}, closed{New(canary)}, &closed{New(canary)}, []closed{{New(canary)}}, map[string]Text{"a": New(canary)}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, canary) || strings.Contains(s, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T prints %s", verb, v, s)
			}
		}
		if b, err := json.Marshal(v); err != nil || bytes.Contains(b, []byte(canary)) {
			t.Errorf("JSON of %T: %s, %v", v, b, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		if strings.Contains(log.String(), canary) {
			t.Errorf("log of %T: %s", v, &log)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var in struct{ Password Text }
	if err := json.Unmarshal([]byte(`{"password":"`+canary+`"}`), &in); err != nil || in.Password.Reveal() != canary {
		t.Errorf("Unmarshal: %v", err)
	}
	var zero Text
	if !zero.IsZero() || zero.Reveal() != "" || in.Password.IsZero() {
		t.Error("IsZero or Reveal is wrong")
	}
}
