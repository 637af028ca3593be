package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecognizers(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("canary-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := load(t, `speech:
  recognizers:
    - {name: house, kind: vosk, url: "ws://127.0.0.1:2700", languages: [en-US]}
    - {kind: pocketsphinx}
    - {name: cloud, kind: deepgram, key_env: DEEPGRAM_KEY, languages: [en, zh], model: nova-2}
    - {name: any, kind: jambonz, url: "wss://asr.example/transcribe", key_file: `+keyFile+`, phrases_only: true}
    - {name: near, kind: jambonz, url: "ws://10.1.2.3/x", key: canary-key}
    - {name: socket, kind: vosk, url: "unix:///run/asr.sock"}
    - {name: named, kind: vosk, url: "ws://vosk:2700", allow_clear: true}
`, []string{"DEEPGRAM_KEY=canary-env"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := f.Speech.Recognizers
	if r[1].Name != "pocketsphinx" || r[2].Key.Reveal() != "canary-env" || r[3].Key.Reveal() != "canary-file" || r[4].Key.Reveal() != "canary-key" {
		t.Errorf("%+v", r)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if s := fmt.Sprintf(verb, f); strings.Contains(s, "canary") {
			t.Errorf("%s prints a key: %s", verb, s)
		}
	}
}

func TestRecognizerFaults(t *testing.T) {
	const at, vosk = "F:2: speech.recognizers[0]", `name: a, kind: vosk, url: "ws://127.0.0.1"`
	for _, tt := range []struct{ name, entry, want string }{
		{"no kind", `name: a, url: "ws://127.0.0.1"`, at + `.kind: wants one of vosk, deepgram, jambonz, pocketsphinx, got ""`},
		{"no name", `kind: vosk, url: "ws://127.0.0.1"`, at + `: has no name (hint: it is in logs, metrics and records)`},
		{"a name with spaces", `name: "My Own", kind: vosk, url: "ws://127.0.0.1"`, at + `.name: wants a-z, 0-9 and dashes between them, 64 at most, and not pocketsphinx, got "My Own" (hint: such as house)`},
		{"the embedded one's name", `name: pocketsphinx, kind: vosk, url: "ws://127.0.0.1"`, at + `.name: wants a-z, 0-9 and dashes between them, 64 at most, and not pocketsphinx, got "pocketsphinx" (hint: such as house)`},
		{"no url", `name: a, kind: vosk`, at + `.url: wants ws://host, wss://host or unix:///path, got ":" (hint: such as ws://127.0.0.1:2700)`},
		{"http", `name: a, kind: vosk, url: "http://127.0.0.1/?key=canary"`, at + `.url: wants ws://host, wss://host or unix:///path, got "http:" (hint: such as ws://127.0.0.1:2700)`},
		{"no host", `name: a, kind: vosk, url: "ws://:2700"`, at + `.url: wants ws://host, wss://host or unix:///path, got "ws:" (hint: such as ws://127.0.0.1:2700)`},
		{"rubbish", `name: a, kind: vosk, url: "ws://canary\x01"`, at + `.url: is no URL (hint: such as ws://127.0.0.1:2700)`},
		{"a password", `name: a, kind: vosk, url: "wss://u:canary@h/"`, at + `.url: holds a password (hint: give it as key, key_env or key_file)`},
		{"clear to a name", `name: a, kind: vosk, url: "ws://vosk:2700"`, at + `.url: callers' speech would travel in clear (hint: use wss, a loopback or private address, or set allow_clear: true where the network is trusted)`},
		{"clear to the Internet", `name: a, kind: vosk, url: "ws://203.0.113.7:2700"`, at + `.url: callers' speech would travel in clear (hint: use wss, a loopback or private address, or set allow_clear: true where the network is trusted)`},
		{"language", vosk + `, languages: [zh-Hans-CN, "English"]`, at + `.languages[1]: wants a language tag, got "English" (hint: such as en, en-US or zh)`},
		{"model", vosk + `, model: big`, at + `.model: is for kind deepgram only`},
		{"key of vosk", vosk + `, key: canary`, at + `.key: a Vosk server takes none (hint: put a proxy with TLS before it)`},
		{"no key", `name: a, kind: deepgram`, at + `: has no key, which Deepgram's service wants (hint: set key, key_env or key_file)`},
		{"no such variable", `name: a, kind: jambonz, url: "wss://h", key_env: NOBODY`, at + `.key_env: names a variable that is not set: "NOBODY"`},
		{"two keys", `name: a, kind: jambonz, url: "wss://h", key: canary, key_env: SET`, at + `.key_env: stands beside a key (hint: keep one of the two)`},
		{"no such file", `name: a, kind: jambonz, url: "wss://h", key_file: /no/such`, at + `.key_file: cannot be read: open /no/such: no such file or directory`},
		{"the same name", vosk + "}, {" + vosk, `F:2: speech.recognizers[1].name: another recognizer is called "a"`},
		{"the embedded one with a url", `kind: pocketsphinx, url: "ws://127.0.0.1"`, at + `: the embedded recognizer has a place in the list and nothing else (hint: speech.recognizer and speech.listeners are its settings)`},
		{"the embedded one twice", `kind: pocketsphinx}, {kind: pocketsphinx`, `F:2: speech.recognizers[1].name: another recognizer is called "pocketsphinx"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "F")
			if err := os.WriteFile(path, []byte("speech:\n  recognizers: [{"+tt.entry+"}]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(Source{Path: path, Env: []string{"SET=canary-2"}})
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("Load = %v, want faults", err)
			}
			if got := strings.ReplaceAll(faults.Error(), path, "F"); got != tt.want || strings.Contains(got, "canary") {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
	_, err := load(t, "speech: {recognizer: none, recognizers: [{kind: pocketsphinx}]}\n", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "speech.recognizer is none") {
		t.Errorf("a place for nobody: %v", err)
	}
}
