package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/ivrd/ivrd/internal/phone"
	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/ssml"
)

type callCmd struct {
	URI      string        `arg:"" help:"Whom to call: sip:1000@127.0.0.1"`
	From     string        `default:"ivrd" help:"User part of our own URI."`
	Play     string        `help:"WAV file to play once the call is answered." type:"existingfile" xor:"sound"`
	Say      string        `help:"Text to say once the call is answered (espeak-ng)." xor:"sound"`
	Language string        `default:"en" help:"Language of --say."`
	DTMF     string        `name:"dtmf" help:"Keys to press: w1.5,2,w3,1234# waits 1.5 s, presses 2, waits 3 s, presses 1234#."`
	Record   string        `help:"Write what is heard to this WAV file." type:"path"`
	Duration time.Duration `help:"Hang up this long after the answer."`
	Ring     time.Duration `default:"30s" help:"How long to wait for an answer."`
	User     string        `help:"User that answers a challenge; the secret comes from IVRD_SIP_SECRET." placeholder:"NAME"`
	SRTP     bool          `name:"srtp" help:"Offer encrypted sound (SDES)." xor:"srtp"`
	DTLS     bool          `name:"dtls" help:"Offer encrypted sound (DTLS-SRTP)." xor:"srtp"`
	Codec    string        `default:"any" enum:"any,pcmu,pcma,g722,l16" help:"What is offered and taken: any (but l16), pcmu, pcma, g722 or l16."`
	JSON     bool          `name:"json" help:"Print the report as JSON."`
	Verbose  bool          `short:"v" help:"Log the signalling's course."`
}

// secured is how the sound is offered.
func (c callCmd) secured() sip.SRTP {
	switch {
	case c.SRTP:
		return sip.SRTPbySDES
	case c.DTLS:
		return sip.SRTPbyDTLS
	default:
		return sip.SRTPOptional
	}
}

// codecs is what is offered; empty for all.
func (c callCmd) codecs() []media.Codec {
	if one, ok := media.CodecByName(c.Codec); ok {
		return []media.Codec{one}
	}
	return nil
}

// Run makes the call. A call that was not answered is a fault.
func (c callCmd) Run(ctx context.Context) error {
	sound, err := c.sound(ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	report, err := phone.Call(ctx, phone.Options{
		URI: c.URI, From: c.From, Username: c.User, Password: secret.New(os.Getenv("IVRD_SIP_SECRET")),
		Sound: sound, Script: c.DTMF, Duration: c.Duration, Ring: c.Ring, SRTP: c.secured(), Log: log,
		Codecs: c.codecs(),
	})
	if err != nil {
		return err
	}
	if err := c.print(report); err != nil {
		return err
	}
	if c.Record != "" {
		if err := writeWAV(c.Record, report.Heard); err != nil {
			return err
		}
	}
	if !report.Answered {
		return fmt.Errorf("the call was not answered: %s (status %d)", report.End.Slug, report.End.Status)
	}
	return nil
}

func (c callCmd) sound(ctx context.Context) (*media.Prompt, error) {
	switch {
	case c.Play != "":
		b, err := os.ReadFile(c.Play)
		if err != nil {
			return nil, fmt.Errorf("read sound: %w", err)
		}
		pcm, rate, err := media.ReadWAV(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.Play, err)
		}
		return media.NewPromptAt("play", rate, pcm), nil
	case c.Say != "":
		engine, err := tts.NewEspeak(ctx, tts.EspeakConfig{})
		if err != nil {
			return nil, err
		}
		pcm, err := tts.Render(ctx, engine, c.Language, ssml.Plain(c.Say))
		if err != nil {
			return nil, err
		}
		return media.NewPrompt("say", pcm), nil
	default:
		return nil, nil
	}
}

func (c callCmd) print(r phone.Report) error {
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("answered %v in %d ms, first sound after %d ms, %d ms long, ended: %s\n", r.Answered, r.SetupMS, r.FirstAudioMS, r.DurationMS, r.End.Slug)
	fmt.Printf("rtp: sent %d, received %d, lost %d, jitter %.1f ms\n", r.RTP.Sent, r.RTP.Received, r.RTP.Lost, r.RTP.JitterMS)
	return nil
}

func writeWAV(path string, pcm []int16) error {
	if len(pcm) == 0 {
		return errors.New("write recording: nothing was heard")
	}
	b := media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm)))
	if err := os.WriteFile(path, media.AppendWAV(b, pcm), 0o600); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}
