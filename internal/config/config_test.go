package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func load(t *testing.T, yaml string, env, sets []string) (File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ivrd.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Source{Path: path, Env: env, Sets: sets})
}

func TestShippedFilesEqualDefaults(t *testing.T) {
	for _, path := range []string{"../../configs/ivrd.yaml", "../../configs/demo/ivrd.yaml"} {
		got, err := Load(Source{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		got.lines = nil
		if want := Default(); !reflect.DeepEqual(fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)) {
			t.Errorf("%s differs from the defaults:\n got %+v\nwant %+v", path, got, want)
		}
	}
}

func TestShippedFileNamesEveryKey(t *testing.T) {
	data, err := os.ReadFile("../../configs/ivrd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var missing []string
	eachKey(reflect.TypeFor[File](), func(key string) {
		if !strings.Contains(string(data), key) {
			missing = append(missing, key)
		}
	})
	if len(missing) > 0 {
		t.Errorf("configs/ivrd.yaml does not mention: %v", missing)
	}
}

func eachKey(typ reflect.Type, f func(string)) {
	switch typ.Kind() {
	case reflect.Slice:
		eachKey(typ.Elem(), f)
	case reflect.Struct:
		for field := range typ.Fields() {
			if key := field.Tag.Get("yaml"); key != "" {
				f(key)
				eachKey(field.Type, f)
			}
		}
	}
}

func TestFaults(t *testing.T) {
	prod := "mode: production\ndata: {key_file: /k}\nflows: {backend: \"\"}\n"
	tests := []struct{ name, yaml, want string }{
		{"unknown key", "http:\n  lisen: x\n", `F:2: http.lisen: unknown key (hint: did you mean listen?)`},
		{"unknown section", "zebra: 1\n", `F:1: zebra: unknown key (hint: known keys: agents, calls, data, dispositions, flows, http, log, media, mode, queues, sip, speech)`},
		{"duplicate key", "mode: demo\nmode: demo\n", `F:2: mode: duplicate key, first on line 1`},
		{"not yaml", "a: [1\n", `F:1: did not find expected ',' or ']'`},
		{"two documents", "mode: demo\n---\nmode: demo\n", `F: more than one document (hint: remove the line ---)`},
		{"alias", "mode: &m demo\nlog: {level: *m}\n", `F:2: log.level: aliases are not allowed (hint: write the value out)`},
		{"section as value", "http: 1\n", `F:1: http: wants a mapping of keys to values`},
		{"names as value", "calls: {numbers: 1}\n", `F:1: calls.numbers: wants a mapping of names to values`},
		{"value as list", "mode: [demo]\n", `F:1: mode: wants a single value`},
		{"list as value", "sip:\n  trunks: x\n", `F:2: sip.trunks: wants a list (hint: write it as [a, b] or as lines that begin with a dash)`},
		{"duration", "media: {no_media: 5 parsecs}\n", `F:1: media.no_media: wants a duration, got "5 parsecs" (hint: such as 20ms, 5s, 2m or 1h)`},
		{"boolean", "sip: {allow_clear: maybe}\n", `F:1: sip.allow_clear: wants true or false, got "maybe"`},
		{"number", "calls: {max: many}\n", `F:1: calls.max: wants a whole number, got "many"`},
		{"size", "data: {reserve: 3 apples}\n", `F:1: data.reserve: wants a size such as 512KiB, 64MiB or 10GB`},
		{"choice", "mode: test\n", `F:1: mode: wants one of demo, production, got "test"`},
		{"queue without a name", "queues:\n  - {ring: 5s}\n", `F:2: queues[0]: has no name`},
		{"disposition", "dispositions: [ok, \"Not OK\"]\n", `F:1: dispositions[1]: wants a-z, 0-9 and dashes between them, 64 at most, got "Not OK" (hint: such as follow-up)`},
		{"two dispositions", "dispositions: [a, b, a]\n", `F:1: dispositions[2]: is there twice: "a"`},
		{"two queues", "queues:\n  - {name: q}\n  - {name: q}\n", `F:3: queues[1].name: another queue is called "q"`},
		{"short ring", "queues:\n  - {name: q, ring: 10ms}\n", `F:2: queues[0].ring: wants 1s at least, got 10ms`},
		{"agent without a name", "agents:\n  - {skills: [a:1]}\n", `F:2: agents[0]: has no name`},
		{"two agents", "agents:\n  - {name: a}\n  - {name: a}\n", `F:3: agents[1].name: another agent is called "a"`},
		{"skill", "agents:\n  - {name: a, skills: [fraud:6]}\n", `F:2: agents[0].skills[0]: wants a skill with its proficiency from 1 to 5, got "fraud:6" (hint: such as fraud:5)`},
		{"too small", "calls: {max: 0}\n", `F:1: calls.max: wants at least 1, got 0`},
		{"listen", "http: {listen: here}\n", `F:1: http.listen: wants address:port with an IP address, got "here" (hint: such as 127.0.0.1:5060)`},
		{"address", "media: {advertise: my.host}\n", `F:1: media.advertise: wants an IP address, got "my.host" (hint: a name is not resolved here)`},
		{"half a certificate", "http: {tls: {cert: a.pem}}\n", `F:1: http.tls: wants both cert and key`},
		{"ports", "media: {ports: 10-20}\n", `F:1: media.ports: wants a range of ports from 1024 up, such as 16384-32767, got "10-20"`},
		{"no data", "data: {dir: \"\"}\n", `F:1: data.dir: is empty`},
		{"backend", "flows: {backend: mine}\n", `F:1: flows.backend: wants one of demo, got "mine"`},
		{"who understands", "speech: {understanding: {engine: magic}}\n", `F:1: speech.understanding.engine: wants one of embedded, rasa, chat, got "magic"
F:1: speech.understanding.url: wants an http or https URL (hint: such as http://127.0.0.1:5005)`},
		{"a chat without a model", "speech: {understanding: {engine: chat, url: \"https://h/v1\", limit: 1m}}\n", `F:1: speech.understanding.limit: wants 100ms to 10s, got 1m0s (hint: the caller waits for it)
F:1: speech.understanding: has no model, which chat needs`},
		{"words in clear", "speech: {understanding: {engine: rasa, url: \"http://rasa.example\"}}\n", `F:1: speech.understanding.url: callers' words would travel in clear (hint: use https, or a loopback or private address)`},
		{"a password in a URL", "speech: {understanding: {engine: rasa, url: \"http://u:p@10.0.0.1\"}}\n", `F:1: speech.understanding.url: holds a password (hint: give it as key)`},
		{"an address for nobody", "speech: {understanding: {url: \"http://10.0.0.1\"}}\n", `F:1: speech.understanding.url: is not asked by the embedded classifier (hint: set engine to rasa or chat)`},
		{"trunk without a name", "sip:\n  trunks:\n    - {match: [10.0.0.0/8]}\n", `F:3: sip.trunks[0]: has no name`},
		{"trunk twice", "sip:\n  trunks:\n    - {name: a, match: [10.0.0.0/8]}\n    - {name: a, match: [10.0.0.0/8]}\n", `F:4: sip.trunks[1].name: another trunk is called "a"`},
		{"trunk match", "sip:\n  trunks: [{name: a, match: [here]}]\n", `F:2: sip.trunks[0].match[0]: wants an address range, got "here" (hint: such as 203.0.113.7/32)`},
		{"trunk transport", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], transport: smoke}]\n", `F:2: sip.trunks[0].transport: wants one of udp, tcp, tls, got "smoke"`},
		{"trunk dtmf", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], dtmf: morse}]\n", `F:2: sip.trunks[0].dtmf: wants one of auto, rfc4733, info, inband, got "morse"`},
		{"trunk codec", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], codecs: [MP3]}]\n", `F:2: sip.trunks[0].codecs[0]: wants one of PCMU, PCMA, G722, L16, got "MP3"`},
		{"trunk registers nowhere", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], register: true}]\n", `F:2: sip.trunks[0].register: needs server and username`},
		{"trunk without proof", "sip:\n  trunks: [{name: a}]\n", `F:2: sip.trunks[0]: no call could prove to come from this trunk (hint: set match (addresses) or username and password (digest))`},
		{"password file", "sip:\n  trunks: [{name: a, username: u, password_file: /no/such}]\n", `F:2: sip.trunks[0].password_file: cannot be read: open /no/such: no such file or directory`},
		{"password twice", "sip:\n  trunks: [{name: a, username: u, password: p, password_file: /dev/null}]\n", `F:2: sip.trunks[0].password_file: stands beside a password (hint: keep one of the two)
F:2: sip.trunks[0].password_file: names an empty file`},
		{"trunk srtp", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], srtp: maybe}]\n", `F:2: sip.trunks[0].srtp: wants one of optional, sdes, dtls, got "maybe"`},
		{"phones srtp", "sip:\n  phones: {srtp: none}\n", `F:2: sip.phones.srtp: wants one of optional, sdes, dtls, got "none"`},
		{"a phone's codec", "sip:\n  phones: {codecs: [l16, gsm]}\n", `F:2: sip.phones.codecs[1]: wants one of PCMU, PCMA, G722, L16, got "GSM"`},
		{"a phone's srtp", "sip:\n  phones: {srtp_of: {alice: zrtp}}\n", `F:2: sip.phones.srtp_of.alice: wants one of optional, sdes, dtls, got "zrtp"`},
		{"trunk cap", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], max_calls: -1}]\n", `F:2: sip.trunks[0].max_calls: wants at least 0, got -1`},
		{"certificate", "http: {tls: {cert: /no/a, key: /no/b}}\n", `F:1: http.tls: cannot be used: open /no/a: no such file or directory`},
		{"size that is none", "data: {reserve: NaN}\n", `F:1: data.reserve: wants a size such as 512KiB, 64MiB or 10GB`},
		{"rule for everything", "sip:\n  trunks: [{name: a, match: [10.0.0.0/8], server: h}]\n  outbound: [{trunk: a, max_calls: -2}]\n", `F:3: sip.outbound[0]: has no prefix, and would allow every number (hint: "+" is that of every international number)
F:3: sip.outbound[0].max_calls: wants at least 0, got -2`},
		{"rule without trunk", "sip:\n  outbound: [{prefix: \"+86\", trunk: b}]\n", `F:2: sip.outbound[0].trunk: no trunk is called "b"`},
		{"rule without server", "sip:\n  outbound: [{prefix: \"+86\", trunk: loopback}]\n", `F:2: sip.outbound[0].trunk: trunk "loopback" has no server to call (hint: set server of the trunk)`},
		{"no connections", `sip: {limits: {connections: 0}}`, `F:1: sip.limits.connections: wants at least 1, got 0`},
		{"negative connections", `sip: {limits: {connections_per_ip: -1}}`, `F:1: sip.limits.connections_per_ip: wants at least 1, got -1`},
		{"no time to ring", `sip: {limits: {ring: 0s}}`, `F:1: sip.limits.ring: wants 1s at least, got 0s`},
		{"negative ring", `sip: {limits: {ring: -1s}}`, `F:1: sip.limits.ring: wants a duration, got "-1s" (hint: such as 20ms, 5s, 2m or 1h)`},
		{"no time for a message", `sip: {limits: {partial_message: 0s}}`, `F:1: sip.limits.partial_message: wants 1s at least, got 0s`},
		{"no time to prove oneself", `sip: {limits: {unproved_idle: 0s}}`, `F:1: sip.limits.unproved_idle: wants 1s at least, got 0s`},
		{"short session", `sip: {limits: {session_expires: 89s}}`, `F:1: sip.limits.session_expires: wants 1m30s at least, got 1m29s`},
		{"impatience with silence", `media: {no_media: 999ms}`, `F:1: media.no_media: wants 1s at least, got 999ms`},
		{"no time at all for media", `media: {lateness_limit: 999us}`, `F:1: media.lateness_limit: wants 1ms at least, got 999µs`},
		{"speech engine", `speech: {engine: robot}`, `F:1: speech.engine: wants one of auto, espeak-ng, http, command, none, got "robot"`},
		{"speech of nobody", `speech: {engine: http}`, `F:1: speech.http.url: wants an http or https URL (hint: such as http://127.0.0.1:8880/v1)
F:1: speech.http.model: is needed (hint: such as tts-1)
F:1: speech.http.voices: is needed (hint: such as {en: alloy, zh: alloy})`},
		{"speech secret in the address", `speech: {engine: http, http: {url: "https://u:hush@h/v1", model: m, voices: {en: a}}}`, `F:1: speech.http.url: holds a name, a password or a query (hint: a secret goes to key or key_file)`},
		{"speech in no format", `speech: {engine: http, http: {url: "http://h", model: m, voices: {en: ""}, format: mp3, rate: 11025, timeout: 1m}}`, `F:1: speech.http.format: wants one of wav, pcm, got "mp3"
F:1: speech.http.rate: wants one of [8000 16000 22050 24000 32000 44100 48000], got 11025
F:1: speech.http.timeout: wants 100ms to 20s, got 1m0s
F:1: speech.http.voices.en: is empty`},
		{"speech key twice", `speech: {engine: http, http: {url: "http://h", model: m, voices: {en: a}, key: hush, key_file: /dev/null}}`, `F:1: speech.http.key_file: stands beside a key (hint: keep one of the two)
F:1: speech.http.key_file: names an empty file`},
		{"speech in clear", prod + `speech: {engine: http, http: {url: "http://h/v1", model: m, voices: {en: a}}}`, `F:4: speech.http.url: would carry what callers are told in clear (hint: use https)`},
		{"no speech command", `speech: {engine: command}`, `F:1: speech.command.argv: is needed (hint: such as [piper, --model, "{voice}", --output_raw])
F:1: speech.command.voices: is needed (hint: such as {en: alloy, zh: alloy})`},
		{"text in a speech command", `speech: {engine: command, command: {argv: [say, "{text}"], voices: {en: a}}}`, `F:1: speech.command.argv[1]: cannot hold {text} (hint: the text comes on standard input, where no other user of the machine sees it)`},
		{"no realm", `sip: {realm: ""}`, `F:1: sip.realm: is empty`},
		{"realm with a quote", `sip: {realm: 'a"b'}`, `F:1: sip.realm: wants neither quotes, backslashes nor control characters, got "a\"b"`},
		{"short registration", `sip: {trunks: [{name: a, match: [10.0.0.0/8], expires: 9s}]}`, `F:1: sip.trunks[0].expires: wants 10s at least, got 9s`},
		{"hasty keep-alive", `sip: {trunks: [{name: a, match: [10.0.0.0/8], server: h, keep_alive: 10ms}]}`, `F:1: sip.trunks[0].keep_alive: wants 1s at least, got 10ms`},
		{"keep-alive of nothing", `sip: {trunks: [{name: a, match: [10.0.0.0/8], keep_alive: 10s}]}`, `F:1: sip.trunks[0].keep_alive: needs a server`},
		{"server with a scheme", `sip: {trunks: [{name: a, match: [10.0.0.0/8], server: "sip:h"}]}`, `F:1: sip.trunks[0].server: wants host or host:port, got "sip:h" (hint: such as sip.carrier.example:5060, without a scheme)`},
		{"server with a scheme and a port", `sip: {trunks: [{name: a, match: [10.0.0.0/8], server: "sip:h:5060"}]}`, `F:1: sip.trunks[0].server: wants host or host:port, got "sip:h:5060" (hint: such as sip.carrier.example:5060, without a scheme)`},
		{"server without a host", `sip: {trunks: [{name: a, match: [10.0.0.0/8], server: ":5060"}]}`, `F:1: sip.trunks[0].server: wants host or host:port, got ":5060" (hint: such as sip.carrier.example:5060, without a scheme)`},
		{"server at no port", `sip: {trunks: [{name: a, match: [10.0.0.0/8], server: "h:0"}]}`, `F:1: sip.trunks[0].server: wants host or host:port, got "h:0" (hint: such as sip.carrier.example:5060, without a scheme)`},
		{"trunk realm with a quote", `sip: {trunks: [{name: a, match: [10.0.0.0/8], realm: 'a"b'}]}`, `F:1: sip.trunks[0].realm: wants neither quotes, backslashes nor control characters, got "a\"b"`},
		{"domain with a line's end", `sip: {trunks: [{name: a, match: [10.0.0.0/8], domain: "a\r\nb"}]}`, `F:1: sip.trunks[0].domain: wants neither quotes, backslashes nor control characters, got "a\r\nb"`},
		{"trunk name with a control character", `sip: {trunks: [{name: "a\x00", match: [10.0.0.0/8]}]}`, `F:1: sip.trunks[0].name: wants neither quotes, backslashes nor control characters, got "a\x00"`},
		{"demo off loopback", "sip: {listen: \"0.0.0.0:5060\"}\n", `F:1: sip.listen: is not a loopback address (hint: the demo's passwords are public; set mode: production to leave loopback)`},
		{"production without key", "mode: production\nflows: {backend: \"\"}\n", `defaults: data.key_file: is needed in production (hint: name a key file that your key management mounts; a generated one beside the data is refused)`},
		{"production with the demo's key", "mode: production\nflows: {backend: \"\"}\ndata: {dir: ./d/../var, key_file: var/keys/root}\n", `F:3: data.key_file: is the key that the demo has made in data.dir (hint: name a key file that your key management mounts; a generated one beside the data is refused)`},
		{"production without the demo's trunk", prod + "sip: {outbound: [{prefix: \"+86\", trunk: loopback}]}\n", `F:4: sip.outbound[0].trunk: no trunk is called "loopback"`},
		{"production in clear", prod + "http: {listen: \"0.0.0.0:80\"}\n", `F:4: http.tls: is needed in production (hint: set a certificate, or listen on loopback behind a TLS proxy)`},
		{"production SIP in clear", prod + "sip: {listen: \"0.0.0.0:5060\"}\n", `F:4: sip.listen: would carry signalling in clear (hint: leave it on loopback and use sip.tls, or set sip.allow_clear: true where the trunk insists on UDP)`},
		{"production with the demo back end", "mode: production\ndata: {key_file: /k}\n", `defaults: flows.backend: the demo back end is refused in production (hint: set it to "")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "F")
			if err := os.WriteFile(path, []byte(tt.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(Source{Path: path})
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("Load = %v, want faults", err)
			}
			got := strings.ReplaceAll(faults.Error(), path, "F")
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What is no literal loopback address is none, whatever a resolver or the
// kernel would make of it.
func TestNothingElseIsLoopback(t *testing.T) {
	noAddress := func(key, got string) string {
		return fmt.Sprintf(`%s: wants address:port with an IP address, got %q (hint: such as 127.0.0.1:5060)`, key, got)
	}
	noIP := func(key, got string) string {
		return fmt.Sprintf(`%s: wants an IP address, got %q (hint: a name is not resolved here)`, key, got)
	}
	offLoopback := func(key, _ string) string {
		return key + `: is not a loopback address (hint: the demo's passwords are public; set mode: production to leave loopback)`
	}
	inClear := func(_, _ string) string {
		return `http.tls: is needed in production (hint: set a certificate, or listen on loopback behind a TLS proxy)`
	}
	sipInClear := func(key, _ string) string {
		return key + `: would carry signalling in clear (hint: leave it on loopback and use sip.tls, or set sip.allow_clear: true where the trunk insists on UDP)`
	}
	fine := func(_, _ string) string { return "" }
	for _, tt := range []struct {
		key, addr        string
		demo, production func(key, got string) string
	}{
		{"http.listen", ":8080", noAddress, noAddress},
		{"http.listen", "host:80", noAddress, noAddress},
		{"http.listen", "localhost:80", noAddress, noAddress},
		{"http.listen", "[::]:80", offLoopback, inClear},
		{"http.listen", "[::ffff:10.0.0.1]:80", offLoopback, inClear},
		{"http.listen", "[::ffff:127.0.0.1]:80", fine, fine},
		{"http.listen", "[::1]:80", fine, fine},
		{"sip.listen", ":8080", noAddress, noAddress},
		{"sip.listen", "host:80", noAddress, noAddress},
		{"sip.listen", "[::]:80", offLoopback, sipInClear},
		{"sip.tls.listen", ":8080", noAddress, noAddress},
		{"sip.tls.listen", "host:80", noAddress, noAddress},
		{"sip.tls.listen", "[::]:80", offLoopback, fine},
		{"media.address", ":8080", noIP, noIP},
		{"media.address", "host:80", noIP, noIP},
		{"media.address", "[::]:80", noIP, noIP},
		{"media.address", "::", offLoopback, fine},
	} {
		for mode, want := range map[string]string{ModeDemo: tt.demo(tt.key, tt.addr), ModeProduction: tt.production(tt.key, tt.addr)} {
			yaml := "mode: demo\n"
			if mode == ModeProduction {
				yaml = "mode: production\ndata: {key_file: /k}\nflows: {backend: \"\"}\n"
			}
			got := ""
			if _, err := load(t, yaml, nil, []string{tt.key + "=" + tt.addr}); err != nil {
				got = strings.TrimPrefix(strings.TrimPrefix(err.Error(), "--set: "), "defaults: ")
			}
			if got != want {
				t.Errorf("%s: %s=%s\n got %s\nwant %s", mode, tt.key, tt.addr, got, want)
			}
		}
	}
}

// What lets calls in is in production only what somebody has written.
func TestProductionHasNoDemoDefaults(t *testing.T) {
	const prod = "mode: production\ndata: {key_file: /k}\nflows: {backend: \"\"}\n"
	for _, tt := range []struct {
		yaml            string
		sets            []string
		trunks, numbers int
	}{
		{yaml: prod},
		{yaml: prod + "sip: {trunks: }\ncalls: {numbers: }\n"}, // a null is no value
		{yaml: "data: {key_file: /k}\n", sets: []string{"mode=production", "flows.backend="}},
		{yaml: prod + "sip: {trunks: [{name: loopback, match: [127.0.0.0/8]}]}\ncalls: {numbers: {\"1000\": main, echo: echo}}\n", trunks: 1, numbers: 2},
		{yaml: "", trunks: 1, numbers: 2},
	} {
		f, err := load(t, tt.yaml, nil, tt.sets)
		if err != nil || len(f.SIP.Trunks) != tt.trunks || len(f.Calls.Numbers) != tt.numbers {
			t.Errorf("%s%v: trunks %v, numbers %v (%v)", tt.yaml, tt.sets, f.SIP.Trunks, f.Calls.Numbers, err)
		}
	}
}

// A link to the demo's key is the demo's key.
func TestDemoKeyByAnotherName(t *testing.T) {
	dir := t.TempDir()
	root, link := filepath.Join(dir, "keys", "root"), filepath.Join(dir, "link")
	if err := os.MkdirAll(filepath.Dir(root), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	_, err := load(t, "mode: production\nflows: {backend: \"\"}\n", nil, []string{"data.dir=" + dir, "data.key_file=" + link})
	if err == nil || !strings.Contains(err.Error(), "data.key_file: is the key that the demo has made") {
		t.Errorf("Load = %v", err)
	}
}

func TestServerOfATrunk(t *testing.T) {
	for _, tt := range []struct{ server, transport, want string }{
		{"sip.carrier.example:5070", "udp", "sip.carrier.example:5070"},
		{"sip.carrier.example", "tcp", "sip.carrier.example:5060"},
		{"203.0.113.7", "tls", "203.0.113.7:5061"},
		{"2001:db8::7", "udp", "[2001:db8::7]:5060"},
		{"[2001:db8::7]", "udp", "[2001:db8::7]:5060"},
		{"[2001:db8::7]:5070", "udp", "[2001:db8::7]:5070"},
	} {
		f, err := load(t, fmt.Sprintf("sip: {trunks: [{name: a, match: [10.0.0.0/8], server: %q, transport: %s}]}", tt.server, tt.transport), nil, nil)
		if err != nil || f.SIP.Trunks[0].Server != tt.want {
			t.Errorf("%s over %s: %q (%v), want %s", tt.server, tt.transport, f.SIP.Trunks[0].Server, err, tt.want)
		}
	}
}

func TestAllFaultsInOnePass(t *testing.T) {
	_, err := load(t, "mode: x\nhttp: {listen: y}\nsip: {realms: z}\n", nil, nil)
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Errorf("Load = %v, want three faults", err)
	}
}

func TestOverrides(t *testing.T) {
	f, err := load(t, "log: {level: warn}\n",
		[]string{"IVRD_LOG__LEVEL=debug", "IVRD_DATA__DIR=/tmp/a", "IVRD_SIP_SECRET=1", "IVRD_SERVICE_HOST=10.0.0.1", "IVRD_PORT_8080_TCP=tcp://10.0.0.1:8080", "HOME=/root"},
		[]string{"data.dir=/tmp/b", "calls.numbers={\"7\": main}"})
	if err != nil {
		t.Fatal(err)
	}
	if f.Log.Level != "debug" || f.Data.Dir != "/tmp/b" || len(f.Calls.Numbers) != 1 {
		t.Errorf("overrides were not applied in order: %+v", f)
	}
}

// An override means what is written: names in a map keep their case, and text
// is no YAML.
func TestOverridesAsTheyStand(t *testing.T) {
	for _, tt := range []struct{ name, yaml, env, set, want string }{
		{name: "case below a map", env: "IVRD_FLOWS__ENV__BACKEND=http://x", want: "map[BACKEND:http://x]"},
		{name: "underscores below a map", env: "IVRD_FLOWS__ENV__A__B=c", want: "map[A__B:c]"},
		{name: "dots below a map", set: "flows.env.a.b=c", want: "map[a.b:c]"},
		{name: "a comment sign", set: "flows.env.KEY=abc #def", want: "map[KEY:abc #def]"},
		{name: "marks of YAML", set: "flows.env.KEY=[a", want: "map[KEY:[a]"},
		{name: "a null", set: "flows.env.KEY=null", want: "map[KEY:null]"},
		{name: "a map is YAML", set: "flows.env={KEY: abc} # all", want: "map[KEY:abc]"},
		{name: "a section is YAML", set: "flows={env: {KEY: abc}}", want: "map[KEY:abc]"},
		{name: "a section from the environment", env: "IVRD_FLOWS={env: {KEY: abc}}", want: "map[KEY:abc]"},
		{name: "an empty section", yaml: "flows:\n", set: "flows.env.KEY=a", want: "map[KEY:a]"},
		{name: "an empty map", yaml: "flows:\n  env:\n", set: "flows.env.KEY=a", want: "map[KEY:a]"},
		{name: "an empty document", yaml: "---\n", set: "flows.env.KEY=a", want: "map[KEY:a]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var env, sets []string
			if tt.env != "" {
				env = []string{tt.env}
			}
			if tt.set != "" {
				sets = []string{tt.set}
			}
			f, err := load(t, tt.yaml, env, sets)
			if got := fmt.Sprint(f.Flows.Env); err != nil || got != tt.want {
				t.Errorf("flows.env is %s (%v), want %s", got, err, tt.want)
			}
		})
	}
	if _, err := load(t, "[mode]\n", nil, []string{"mode=demo"}); err == nil || !strings.Contains(err.Error(), "wants a mapping") {
		t.Errorf("a file that is a list: %v", err)
	}
	f, err := load(t, "", []string{"IVRD_MODE=production", "IVRD_FLOWS__BACKEND="}, []string{"data.key_file=/k #1"})
	if err != nil || f.Mode != ModeProduction || f.Data.KeyFile != "/k #1" {
		t.Errorf("mode %q, key file %q (%v)", f.Mode, f.Data.KeyFile, err)
	}
}

func TestOverrideFaultsNameTheirSource(t *testing.T) {
	for _, tt := range []struct{ env, set, want string }{
		{env: "IVRD_CALLS__MAX=-1", want: "IVRD_CALLS__MAX: calls.max: wants at least 1, got -1"},
		{set: "calls.maxx=1", want: "--set: calls.maxx: unknown key (hint: did you mean max?)"},
		{set: "nonsense", want: "--set: nonsense: wants key=value (hint: such as --set http.listen=127.0.0.1:9090)"},
		{env: "IVRD_CALLS__MAXX=1", want: "IVRD_CALLS__MAXX: calls.maxx: unknown key (hint: did you mean max?)"},
		{env: "IVRD_LOG_LEVEL=debug", want: "IVRD_LOG_LEVEL: names no key (hint: two underscores stand between section and key, such as IVRD_LOG__LEVEL)"},
		{env: "IVRD_VERSION=1", want: "IVRD_VERSION: names no key (hint: two underscores stand between section and key, such as IVRD_LOG__LEVEL)"},
		{env: "IVRD_MODE=test", want: `IVRD_MODE: mode: wants one of demo, production, got "test"`},
		{set: "mode.x=1", want: "--set: mode: wants a single value"},
	} {
		var env, sets []string
		if tt.env != "" {
			env = []string{tt.env}
		}
		if tt.set != "" {
			sets = []string{tt.set}
		}
		if _, err := Load(Source{Env: env, Sets: sets}); err == nil || err.Error() != tt.want {
			t.Errorf("Load = %v\nwant   %s", err, tt.want)
		}
	}
}

func TestSecretsCannotPrint(t *testing.T) {
	f, err := load(t, "sip:\n  trunks: [{name: a, username: canary-user, password: canary-pass}]\n", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(verb, f); strings.Contains(s, "canary") {
			t.Errorf("%s prints a secret: %s", verb, s)
		}
	}
	if f.SIP.Trunks[0].Password.Reveal() != "canary-pass" {
		t.Error("the secret is lost")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("mode: demo\n")
	f.Add("sip: {trunks: [{name: a, match: [10.0.0.0/8]}]}\n")
	f.Add("a: &x [*x]\n")
	f.Add("media: {ports: 1-2}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, yaml string) {
		path := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Skip()
		}
		file, err := Load(Source{Path: path})
		var faults Faults
		switch {
		case err == nil && file.Calls.Max < 1:
			t.Error("an impossible value passed")
		case err != nil && !errors.As(err, &faults):
			t.Errorf("a fault of the file is not reported as Faults: %v", err)
		}
	})
}
