package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEmotionModel(t *testing.T) {
	f, err := load(t, "speech: {emotion_model: {url: \"http://10.0.0.7:9000/judge\", key_env: KEY, format: l16, limit: 5s}}\n", []string{"KEY=canary"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := f.Speech.EmotionModel; !m.Used() || m.Key.Reveal() != "canary" || m.Format != FormatL16 {
		t.Errorf("%+v", m)
	}
	f, err = load(t, "speech: {emotion_model: {onnx: emotion.go, library: emotion_test.go, labels: [arousal, dominance, valence]}}\n", nil, nil)
	if m := f.Speech.EmotionModel; err != nil || !m.Used() || m.Rate != 16000 || m.Normalise {
		t.Errorf("%+v, %v", m, err)
	}
	if Default().Speech.EmotionModel.Used() {
		t.Error("callers' voices leave the server unless somebody says no")
	}
}

func TestEmotionModelFaults(t *testing.T) {
	const at = "F:1: speech.emotion_model"
	for _, tt := range []struct{ entry, want string }{
		{`url: "ftp://h/canary"`, at + `.url: wants http://host, https://host or unix:///path, got "ftp:" (hint: such as http://127.0.0.1:9000/)`},
		{`url: "http://canary\x01"`, at + `.url: is no URL (hint: such as http://127.0.0.1:9000/)`},
		{`url: "https://u:canary@h/"`, at + `.url: holds a password (hint: give it as key, key_env or key_file)`},
		{`url: "http://model:9000/"`, at + `.url: callers' voices would travel in clear (hint: use https, a loopback or private address, or set allow_clear: true where the network is trusted)`},
		{`url: "https://h", format: mp3`, at + `.format: wants one of wav, l16, got "mp3"`},
		{`url: "https://h", limit: 1m`, at + `.limit: wants 100ms to 30s, got 1m0s`},
		{`url: "https://h", key: canary, key_env: SET`, at + `.key_env: stands beside a key (hint: keep one of the two)`},
		{`key: canary`, at + `: has a key, but no url`},
		{`url: "https://h", onnx: emotion.go`, at + `: has both url and onnx (hint: keep one of the two)`},
		{`onnx: /no/such, library: emotion.go, labels: [sad]`, at + `.onnx: cannot be read: stat /no/such: no such file or directory`},
		{`onnx: emotion.go, labels: [sad]`, at + `.library: is needed by onnx (hint: such as /usr/lib/libonnxruntime.so)`},
		{`onnx: emotion.go, library: emotion.go`, at + `.labels: is needed by onnx: what the values of the output are, in order (hint: such as [angry, happy, neutral, sad], or [arousal, dominance, valence])`},
		{`onnx: emotion.go, library: emotion.go, labels: [sad, "a,b"]`, at + `.labels[1]: wants a name without commas, got "a,b"`},
		{`onnx: emotion.go, library: emotion.go, labels: [sad], rate: 1`, at + `.rate: wants 8000 to 48000, got 1`},
		{`url: "https://h"}, emotion: false, voices: {en: en-us`, at + `: has nothing to judge (hint: set speech.emotion)`},
	} {
		path := filepath.Join(t.TempDir(), "F")
		if err := os.WriteFile(path, []byte("speech: {emotion_model: {"+tt.entry+"}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(Source{Path: path, Env: []string{"SET=canary-2"}})
		var faults Faults
		if !errors.As(err, &faults) {
			t.Errorf("%s: Load = %v, want faults", tt.entry, err)
			continue
		}
		if got := strings.ReplaceAll(faults.Error(), path, "F"); got != tt.want || strings.Contains(got, "canary") {
			t.Errorf("\n got %s\nwant %s", got, tt.want)
		}
	}
}
