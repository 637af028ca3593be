package config

import "time"

// File is the whole configuration as it is written. Only cmd/ivrd reads all of
// it; each package gets its own part. configs/ivrd.yaml documents every key
// and equals Default.
type File struct {
	Mode   string  `yaml:"mode"`
	HTTP   HTTP    `yaml:"http"`
	SIP    SIP     `yaml:"sip"`
	Media  Media   `yaml:"media"`
	Calls  Calls   `yaml:"calls"`
	Queues []Queue `yaml:"queues"`
	Agents []Agent `yaml:"agents"`
	// Dispositions are the words for what a call was.
	Dispositions []string `yaml:"dispositions"`
	Flows        Flows    `yaml:"flows"`
	Speech       Speech   `yaml:"speech"`
	Data         Data     `yaml:"data"`
	Log          Log      `yaml:"log"`

	lines map[string]place // where each value stands, for Fault
}

// The modes.
const (
	ModeDemo       = "demo"       // loopback only; demo people and passwords
	ModeProduction = "production" // refuses demo passwords, key files and clear listeners
)

// HTTP is the listener of API and pages.
type HTTP struct {
	Listen  string `yaml:"listen"`
	TLS     TLS    `yaml:"tls"`
	Sockets int    `yaml:"sockets"` // of pages at once; a page has two
}

// TLS names a certificate; both empty means off.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// SIP is the signalling.
type SIP struct {
	Listen string `yaml:"listen"` // udp and tcp
	TLS    SIPTLS `yaml:"tls"`
	// AllowClear lets production listen for SIP over UDP and TCP.
	AllowClear bool       `yaml:"allow_clear"`
	Realm      string     `yaml:"realm"`
	Advertise  string     `yaml:"advertise"`
	Trunks     []Trunk    `yaml:"trunks"`
	Phones     Phones     `yaml:"phones"`
	Outbound   []Outbound `yaml:"outbound"`
	Limits     Limits     `yaml:"limits"`
}

// SIPTLS is the TLS listener, on when a certificate is set.
type SIPTLS struct {
	Listen string `yaml:"listen"`
	Cert   string `yaml:"cert"`
	Key    string `yaml:"key"`
}

// Trunk is a carrier or a peer PBX.
type Trunk struct {
	Name         string        `yaml:"name"`
	Match        []string      `yaml:"match"`
	Server       string        `yaml:"server"`
	Transport    string        `yaml:"transport"`
	Domain       string        `yaml:"domain"`
	Realm        string        `yaml:"realm"`
	Username     Secret        `yaml:"username"`
	Password     Secret        `yaml:"password"`
	PasswordFile string        `yaml:"password_file"`
	Register     bool          `yaml:"register"`
	Expires      time.Duration `yaml:"expires"`
	Trusted      bool          `yaml:"trusted"`
	KeepAlive    time.Duration `yaml:"keep_alive"`
	MaxCalls     int           `yaml:"max_calls"`
	DTMF         string        `yaml:"dtmf"`
	Codecs       []string      `yaml:"codecs"`
	SRTP         string        `yaml:"srtp"` // optional, sdes, dtls; empty: sdes with TLS, else optional
}

// Phones are the desk phones that register.
type Phones struct {
	Codecs []string          `yaml:"codecs"`  // best first; empty for all but L16
	SRTP   string            `yaml:"srtp"`    // optional, sdes, dtls
	SRTPOf map[string]string `yaml:"srtp_of"` // by person
}

// Outbound allows calls to numbers with a prefix.
type Outbound struct {
	Prefix     string `yaml:"prefix"`
	Trunk      string `yaml:"trunk"`
	MaxCalls   int    `yaml:"max_calls"`
	MaxPerUser int    `yaml:"max_per_user"`
}

// Limits protect the SIP listeners.
type Limits struct {
	Connections      int           `yaml:"connections"`
	ConnectionsPerIP int           `yaml:"connections_per_ip"`
	PartialMessage   time.Duration `yaml:"partial_message"`
	UnprovedIdle     time.Duration `yaml:"unproved_idle"`
	Ring             time.Duration `yaml:"ring"`
	SessionExpires   time.Duration `yaml:"session_expires"`
}

// Media is the sound.
type Media struct {
	Address   string        `yaml:"address"`
	Advertise string        `yaml:"advertise"`
	Ports     string        `yaml:"ports"`
	NoMedia   time.Duration `yaml:"no_media"`
	Workers   int           `yaml:"workers"`
	Reader    string        `yaml:"reader"`   // auto or goroutine
	WebPort   int           `yaml:"web_port"` // UDP, of all browsers; 0: none take part
	// LatenessLimit is how late media may run; 0: however late it is.
	LatenessLimit time.Duration `yaml:"lateness_limit"`
}

// Calls bounds and directs calls.
type Calls struct {
	Numbers map[string]string `yaml:"numbers"` // number -> flow, or "echo"
	Max     int               `yaml:"max"`
	Drain   time.Duration     `yaml:"drain"`
	Longest time.Duration     `yaml:"longest"`
	// AnnounceMonitor lets agents see who monitors their call.
	AnnounceMonitor bool `yaml:"announce_monitor"`
}

// Queue is where callers wait for agents: the people of the group of its name.
type Queue struct {
	Name   string        `yaml:"name"`
	Ring   time.Duration `yaml:"ring"`
	WrapUp time.Duration `yaml:"wrap_up"`
	Handle time.Duration `yaml:"handle"`
	Target time.Duration `yaml:"target"` // of the service level
}

// Agent is what somebody can do beyond what their groups say.
type Agent struct {
	Name      string   `yaml:"name"`
	Skills    []string `yaml:"skills"` // fraud:5
	Languages []string `yaml:"languages"`
}

// Flows says where flows, their prompts, what callers may want, and their
// environment are.
type Flows struct {
	Dir     string            `yaml:"dir"`
	Prompts string            `yaml:"prompts"`
	Intents string            `yaml:"intents"`
	Env     map[string]string `yaml:"env"`
	Backend string            `yaml:"backend"` // "demo" starts the demo back end
}

// Speech is the synthesis of dynamic text, and what is looked for in that of the
// parties.
type Speech struct {
	Engine   string            `yaml:"engine"` // auto, espeak-ng, http, command, none
	Voices   map[string]string `yaml:"voices"` // of espeak-ng
	HTTP     SpeechHTTP        `yaml:"http"`
	Command  SpeechCommand     `yaml:"command"`
	Activity bool              `yaml:"activity"`
	// Emotion: callers' utterances are judged for how they seem to feel.
	Emotion bool `yaml:"emotion"`
	// EmotionModel judges them after the rules have.
	EmotionModel EmotionModel `yaml:"emotion_model"`
	// Recognizer is the embedded one, of phrases: auto, pocketsphinx, none; at most
	// Listeners callers at once.
	Recognizer string `yaml:"recognizer"`
	Listeners  int    `yaml:"listeners"`
	// Recognizers that run elsewhere, best first.
	Recognizers []Recognizer `yaml:"recognizers"`
	// Understanding says what is meant by it.
	Understanding Understanding `yaml:"understanding"`
}

// SpeechHTTP is a service that has OpenAI's POST /audio/speech.
type SpeechHTTP struct {
	URL     string            `yaml:"url"` // without /audio/speech
	Key     Secret            `yaml:"key"`
	KeyFile string            `yaml:"key_file"`
	Model   string            `yaml:"model"`
	Voices  map[string]string `yaml:"voices"` // language -> voice
	Format  string            `yaml:"format"` // wav or pcm
	Rate    int               `yaml:"rate"`   // of pcm, Hz
	Timeout time.Duration     `yaml:"timeout"`
}

// SpeechCommand is a program that reads text and writes sound.
type SpeechCommand struct {
	Argv    []string          `yaml:"argv"`
	Voices  map[string]string `yaml:"voices"`
	Format  string            `yaml:"format"`
	Rate    int               `yaml:"rate"`
	Timeout time.Duration     `yaml:"timeout"`
}

// Data is where everything is kept.
type Data struct {
	Dir     string `yaml:"dir"`
	KeyFile string `yaml:"key_file"`
	Reserve Size   `yaml:"reserve"`
}

// Log is the log on standard error.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Default is the demo: one machine, loopback only.
func Default() File {
	return File{
		Mode: ModeDemo,
		HTTP: HTTP{Listen: "127.0.0.1:8080", Sockets: 2000},
		SIP: SIP{
			Listen: "127.0.0.1:5060",
			TLS:    SIPTLS{Listen: "127.0.0.1:5061"},
			Realm:  "ivrd",
			Trunks: []Trunk{{Name: "loopback", Match: []string{"127.0.0.0/8", "::1/128"}, Transport: "udp"}},
			Phones: Phones{Codecs: []string{}, SRTP: "optional", SRTPOf: map[string]string{}},
			Limits: Limits{
				Connections: 5000, ConnectionsPerIP: 32,
				PartialMessage: 10 * time.Second, UnprovedIdle: 32 * time.Second,
				Ring: 3 * time.Minute, SessionExpires: 30 * time.Minute,
			},
		},
		Media: Media{Address: "127.0.0.1", Ports: "16384-32767", Reader: "auto", NoMedia: 30 * time.Second, WebPort: 16383, LatenessLimit: 5 * time.Millisecond},
		Calls: Calls{
			Numbers: map[string]string{"1000": "main", "echo": "echo"},
			Max:     1000, Drain: 5 * time.Minute, Longest: 4 * time.Hour, AnnounceMonitor: true,
		},
		Queues: []Queue{
			{Name: "payments", Ring: 20 * time.Second, WrapUp: 30 * time.Second, Handle: 4 * time.Minute, Target: 20 * time.Second},
			{Name: "fraud", Ring: 20 * time.Second, WrapUp: time.Minute, Handle: 8 * time.Minute, Target: 20 * time.Second},
		},
		Dispositions: []string{"resolved", "follow-up", "callback", "complaint", "fraud-confirmed", "wrong-number", "no-show"},
		Flows:        Flows{Env: map[string]string{}, Backend: "demo"},
		Speech: Speech{
			Engine: "auto", Voices: map[string]string{"en": "en-us", "zh": "cmn"},
			HTTP:         SpeechHTTP{Voices: map[string]string{}, Format: "wav", Rate: 24000, Timeout: 3 * time.Second},
			Command:      SpeechCommand{Argv: []string{}, Voices: map[string]string{}, Format: "wav", Rate: 22050, Timeout: 3 * time.Second},
			EmotionModel: EmotionModel{Format: FormatWAV, Labels: []string{}, Rate: 16000, Limit: 2 * time.Second},
			Activity:     true, Emotion: true, Recognizer: "auto", Listeners: 2, Recognizers: []Recognizer{},
			Understanding: Understanding{Engine: UnderstandingEmbedded, Limit: time.Second},
		},
		Data: Data{Dir: "./var", Reserve: 64 << 20},
		Log:  Log{Level: "info", Format: "text"},
	}
}

// leaveDemo takes out of the defaults what would let calls in: in production
// only those trunks and numbers are there that somebody has written.
func (f *File) leaveDemo() {
	f.SIP.Trunks, f.Calls.Numbers = nil, map[string]string{}
}
