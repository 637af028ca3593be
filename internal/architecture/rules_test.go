// Package architecture holds no code: its tests keep the house in order. When
// one fails, either the change is wrong or the rule is; a rule is changed here,
// with its reason.
package architecture

// module is the path of the house.
const module = "github.com/ivrd/ivrd"

// layer says what a package may import of ours. Tests are free: rules are
// about what is shipped.
type layer struct {
	// pkg is a package, or with /... all below one. The longest match counts.
	pkg string
	may []string
	why string
}

// layers places every package. A package that is not here fails the test.
func layers() []layer {
	return []layer{
		{"media", nil, "sound stands on nothing of ours; it does not know what a call is for"},
		{"media/...", []string{"media", "media/..."}, "as media"},
		{"leg", []string{"media"}, "types only: signalling and calls meet here"},
		{"sip", []string{"leg", "media", "sip/...", "internal/secret"}, "signalling does not know what a call is for, nor how sound is made"},
		{"sip/...", []string{"leg", "media", "sip/..."}, "parts of the user agent do not know the whole"},
		{"transcript", nil, "words and masking are shared by all and depend on none"},
		{"asr/intent", []string{"transcript", "internal/secret"}, "words become meaning without a machine around them; personal numbers do not print"},
		{"asr/intent/examples", []string{"asr/intent"}, "the file that people write; the classifier does not know where it is"},
		{"asr/intent/remote", []string{"asr/intent", "internal/breaker", "internal/secret", "internal/webclient"}, "asks elsewhere, with the embedded classifier behind it"},
		{"ivr", []string{"ivr/internal/...", "tts/ssml", "internal/spelling"}, "flows are tested, simulated and replayed without a telephone"},
		{"ivr/internal/...", []string{"internal/spelling"}, "helpers of the grammar"},
		{"ivr/flowtest", []string{"ivr", "ivr/internal/..."}, "as ivr: a scenario needs no telephone"},
		{"asr/emotion", []string{"media", "media/vad", "transcript"}, "judges sound and words; it does not know whose call it is"},
		{"asr/emotion/remote", []string{"media", "asr/emotion", "transcript", "internal/breaker", "internal/secret", "internal/webclient"}, "asks a model over HTTP, so that what judges by itself needs no network"},
		{"asr/emotion/onnx", []string{"media", "asr/emotion", "asr/emotion/remote", "internal/helper"}, "one model; its C is in a process of its own, which is asked as others are"},
		{"tts/ssml", nil, "markup is words and pauses; flows check it, voices speak it"},
		{"tts", []string{"media", "tts/ssml", "internal/breaker", "internal/secret", "internal/webclient"}, "speech becomes prompts; it does not know who hears them"},
		{"tts/promptset", []string{"media", "tts", "tts/ssml"}, "as tts"},
		{"asr", []string{"media", "media/vad", "internal/secret", "internal/spelling"}, "hears sound and tells words; it does not know whose they are"},
		{"asr/sphinx", []string{"asr", "media", "internal/helper", "internal/spelling"}, "one engine; its C is in a process of its own"},
		{"asr/asrtest", []string{"asr", "media", "internal/secret"}, "judges engines by their contract"},
		{"routing", nil, "matching is tested, simulated and replayed without a telephone"},
		{"routing/...", []string{"routing"}, "state of queues; the domain does not know where it is kept"},
		{"recordings", []string{"leg", "media", "media/plc", "transcript", "routing", "internal/seal", "recordings/blob"}, "the domain; the stores of its records import it, never the reverse; what the network lost is concealed when it is played"},
		{"recordings/blob", nil, "keeps sealed bytes under a name; it cannot know what they are"},
		{"recordings/...", []string{"leg", "media", "transcript", "recordings", "recordings/...", "internal/seal", "internal/sqlitedb"}, "storage imports the domain"},
		{"identity", []string{"internal/seal", "internal/secret"}, "the domain of people; it does not know calls"},
		{"identity/...", []string{"identity", "identity/...", "internal/seal", "internal/sqlitedb"}, "storage imports the domain"},
		{"call", []string{"asr", "asr/emotion", "leg", "media", "sip", "ivr", "tts", "tts/ssml", "recordings", "routing", "transcript", "identity", "internal/spelling"}, "the conductor knows its orchestra, not the audience"},
		{"api", []string{"call", "leg", "media", "recordings", "routing", "transcript", "identity", "internal/obs"}, "the audience's side: never SIP, flows or files"},
		{"internal/secret", nil, "one type that cannot print, for all who hold secrets"},
		{"internal/webclient", nil, "one client for all who ask over HTTP"},
		{"internal/breaker", nil, "one breaker for all who ask over HTTP"},
		{"internal/helper", nil, "keeps programs running; what they do is their owners' business"},
		{"internal/seal", nil, "ciphers know bytes only"},
		{"internal/sqlitedb", nil, "opens and migrates databases; what is in them is the stores' own"},
		{"internal/obs", []string{"transcript"}, "logs and metrics need the masking of numbers, and nothing else"},
		{"internal/spelling", nil, "compares words; whose they are is nobody's business"},
		{"internal/config", []string{"internal/secret", "internal/spelling"}, "the file as it is written; cmd/ivrd gives each package its part"},
		{"internal/understand", []string{"ivr", "asr/intent", "asr/intent/remote"}, "one port of a flow: what callers mean; flows and classifier do not know each other"},
		{"internal/webfetch", []string{"ivr", "internal/webclient"}, "one port of a flow: its HTTP"},
		{"internal/demobackend", nil, "plays a customer's own server: it cannot know ivrd"},
		{"internal/phone", []string{"leg", "media", "media/...", "sip", "internal/secret"}, "a phone is built of the parts that a call is built of"},
		{"internal/load", []string{"media", "sip/digest"}, "judges servers from outside: nothing of ours that it measures is in it"},
		{"internal/testkit", nil, "helpers judge from outside: they do not use the code under test"},
		{"internal/testkit/...", []string{"media", "media/...", "internal/testkit", "internal/testkit/..."}, "in-memory stand-ins speak the types of what they stand in for"},
		{"internal/tools/...", []string{"tts", "tts/promptset"}, "small programs of the workshop"},
		{"internal/tools/bench", []string{"media", "internal/load"}, "starts the built programs and reads their reports"},
		{"configs", nil, "embedded files"},
		{"web", nil, "embedded pages"},
		{"cmd/ivrd", []string{"..."}, "wires everything together"},
		{"cmd/ivrd-asr", []string{"asr/sphinx", "internal/helper"}, "a process around the engine"},
		{"cmd/ivrd-emotion", []string{"asr/emotion/onnx", "internal/helper"}, "a process around the model"},
		{"cmd/ivrload", []string{"internal/load", "media"}, "a command line for the load generator"},
	}
}

// home says where something may be imported from.
type home struct {
	what string   // an import path; with /... all below it, too
	in   []string // packages as in layer
	why  string
}

// homes are the only places for what is kept out of all others. Every module
// that we import is listed, and in docs/dependencies.md too.
func homes() []home {
	return []home{
		{module + "/internal/config", []string{"cmd/ivrd"}, "a package gets its own part of the configuration, never the whole"},
		{module + "/internal/testkit/...", []string{"internal/testkit/..."}, "test helpers stay out of what is shipped"},
		{module + "/asr/asrtest", []string{}, "a suite for tests stays out of what is shipped"},
		{module + "/api", []string{"cmd/ivrd"}, "nothing depends on the audience's side"},
		{module + "/call", []string{"api", "cmd/ivrd", "internal/config"}, "only the audience's side knows the conductor"},

		{"github.com/coder/websocket/...", []string{"api", "asr", "asr/asrtest", "asr/sphinx", "internal/testkit/vosk", "internal/tools/bench"}, "pages are connected where rights are applied, engines of speech where their limits are"},
		{"github.com/emiago/sipgo/...", []string{"sip", "sip/..."}, "one SIP library behind one package, so that it can be replaced"},
		{"github.com/pion/srtp/v3/...", []string{"media/rtpio", "internal/load"}, "one home for the keys of media, and one for whoever measures it from outside"},
		{"github.com/pion/dtls/v3/...", []string{"media/rtc"}, "handshakes of browsers and phones are one package's business"},
		{"github.com/pion/ice/v4/...", []string{"media/rtc"}, "a browser's media is one package's business"},
		{"github.com/pion/logging/...", []string{"media/rtc"}, "a browser's media is one package's business"},
		{"github.com/pion/rtp/...", []string{"media/...", "internal/load"}, "packets are media's business"},
		{"github.com/pion/rtcp/...", []string{"media/..."}, "packets are media's business"},
		{"modernc.org/sqlite/...", []string{"internal/sqlitedb"}, "settings that keep data safe are set in one place"},
		{"github.com/pressly/goose/v3/...", []string{"internal/sqlitedb"}, "schemas are migrated in one way"},
		{"database/sql/...", []string{"recordings/sqlitestore", "identity/sqlitestore", "internal/sqlitedb"}, "storage stays behind the stores"},
		{"github.com/alecthomas/kong/...", []string{"cmd/ivrd", "cmd/ivrload"}, "only commands have a command line"},
		{"github.com/prometheus/client_golang/...", []string{"internal/obs"}, "metric names are public and belong in one place"},
		{"github.com/expr-lang/expr/...", []string{"ivr"}, "expressions are part of the flow language"},
		{"go.yaml.in/yaml/v3/...", []string{"internal/config", "ivr", "ivr/...", "tts/promptset", "asr/intent/examples"}, "files that people write: configuration, flows, prompt texts, intents"},
		{"github.com/yalue/onnxruntime_go/...", []string{"asr/emotion/onnx"}, "C stays out of the server: only a helper is built with it"},
		{"golang.org/x/crypto/argon2", []string{"identity"}, "passwords are hashed in one bounded pool"},
		{"golang.org/x/crypto/...", []string{"identity", "internal/seal"}, "cryptography has two homes"},
		{"golang.org/x/sync/...", []string{"tts"}, "one flight for each text"},
		{"golang.org/x/term/...", []string{"cmd/ivrd"}, "passwords are typed at a terminal"},
		{"golang.org/x/sys/...", []string{"media/...", "recordings", "recordings/...", "internal/load", "internal/testkit/..."}, "sockets and disks where the standard library stops"},
		{"crypto/aes", []string{"internal/seal"}, "the only home of ciphers: nonces are counted in one place"},
		{"crypto/cipher", []string{"internal/seal"}, "the only home of ciphers: nonces are counted in one place"},
	}
}

// ban keeps parts of the standard library out.
type ban struct {
	pkg  string // as in layer
	what []string
	why  string
}

func bans() []ban {
	outside := []string{"net", "net/http", "os", "os/exec", "database/sql", "syscall"}
	return []ban{
		{"ivr", outside, "flows run in virtual time, without a machine around them"},
		{"ivr/...", outside, "flows run in virtual time, without a machine around them"},
		{"routing", outside, "queues run in virtual time"},
		{"routing/memstore", outside, "memory has no machine around it"},
		{"transcript", outside, "masking is pure"},
		{"asr/intent", outside, "the same examples understand the same words anywhere"},
		{"asr/intent/examples", outside, "reads what it is given"},
		{"tts/ssml", outside, "reads what it is given"},
		{"media", []string{"net/http", "os", "os/exec", "database/sql", "log"}, "sound has no files and no server"},
		{"asr/emotion", outside, "judged in virtual time; what asks others is in asr/emotion/remote"},
		{"leg", []string{"net/http", "os", "os/exec", "database/sql", "log"}, "types only"},
		{"internal/seal", []string{"net", "net/http", "math/rand", "math/rand/v2"}, "keys never travel and are never guessed"},
	}
}

// names are import names that keep two things of the same name apart.
func names() map[string]string {
	return map[string]string{"github.com/emiago/sipgo/sip": "sipmsg"}
}
