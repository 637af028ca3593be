// Package media holds the words of sound that the rest of ivrd speaks:
// codecs, frames, prompts, and the contracts of a call's media session.
//
// All PCM in ivrd is mono, signed 16-bit, native-endian Go int16. A call's
// sound runs on one clock: a Time is a count of 8 kHz samples since the
// call's session began, whatever the codecs of its legs.
//
// The package imports nothing of ivrd. The engine that implements Session
// and Stream is media/engine; the RTP endpoint below it is media/rtpio.
package media

import "time"

const (
	// SampleRate is the rate of a call's clock and of telephone audio, in Hz.
	SampleRate = 8000
	// FrameSamples is the length of one frame, in samples at SampleRate.
	FrameSamples = 160
	// FrameDuration is the length of one frame in time.
	FrameDuration = 20 * time.Millisecond
	// FramesPerSecond is how many of them a second has.
	FramesPerSecond = int(time.Second / FrameDuration)
)

// Time is a position on a call's clock, in samples at SampleRate since the
// session began.
type Time int64

// Duration converts a clock position to time since the session began.
func (t Time) Duration() time.Duration {
	return time.Duration(t) * time.Second / SampleRate
}

// TimeOf converts time since the session began to a clock position.
func TimeOf(d time.Duration) Time { return Time(d * SampleRate / time.Second) }

// Track names whose voice a recorded frame is. Tracks are kept apart in a
// recording; playback puts the caller left and everything that our side said
// to the caller right.
type Track uint8

// The tracks of a call.
const (
	TrackNone       Track = iota // not recorded
	TrackCaller                  // what the caller said
	TrackAgent                   // what an agent (or the phone that answered) said
	TrackPrompts                 // what the machine said to the caller
	TrackWhisper                 // what a supervisor said to the agent only
	TrackSupervisor              // what a supervisor said to the caller
)

func (t Track) String() string {
	switch t {
	case TrackCaller:
		return "caller"
	case TrackAgent:
		return "agent"
	case TrackPrompts:
		return "prompts"
	case TrackWhisper:
		return "whisper"
	case TrackSupervisor:
		return "supervisor"
	default:
		return "none"
	}
}
