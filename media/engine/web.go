package engine

import (
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// webStream is a stream whose keys come from a handshake.
type webStream struct{ *stream }

var _ media.WebStream = webStream{}

// Web implements media.WebStream.
func (w webStream) Web() media.WebLocal { return w.keyed.Local() }

// keyed finds the way to a peer, if that must be found, and makes the keys.
type keyed interface {
	Local() media.WebLocal
	// begin follows what was negotiated, and tells keys and failures, on its own
	// goroutines.
	begin(r media.Remote, tell func(*media.SRTPKeys, error)) error
	// address is where the endpoint finds the peer.
	address(media.Remote) media.Remote
	// leave says goodbye, without waiting; the endpoint is closed next.
	leave()
}

// browser is found by ICE, whatever its description says.
type browser struct{ *rtc.Transport }

func (b browser) begin(r media.Remote, tell func(*media.SRTPKeys, error)) error {
	return b.Start(*r.Web, tell)
}

func (browser) address(r media.Remote) media.Remote {
	r.Addr, r.RTCP, r.Signalling = rtc.Peer, rtc.Peer, rtc.Peer.Addr()
	return r
}

func (browser) leave() {} // closing the endpoint closes the path

// phone is where its description says.
type phone struct{ *rtc.Handshake }

func (p phone) begin(r media.Remote, tell func(*media.SRTPKeys, error)) error {
	return p.Start(r, tell)
}

func (phone) address(r media.Remote) media.Remote { return r }

func (p phone) leave() { p.Close() }

// open makes the endpoint of a stream: a pair of ports, or a browser's path.
func (e *Engine) open(o media.StreamOptions) (*rtpio.Endpoint, keyed, error) {
	if o.Web {
		return e.openWeb()
	}
	endpoint, err := rtpio.Open(e.ports, e.guard, e.config.PortRest)
	if err != nil || !o.DTLS {
		return endpoint, nil, err
	}
	return endpoint, phone{rtc.NewHandshake(e.own, endpoint)}, nil
}

func (e *Engine) openWeb() (*rtpio.Endpoint, keyed, error) {
	if e.config.Web == nil {
		return nil, nil, errors.New("no port for browsers is configured (hint: set media.web_port)")
	}
	web, err := e.config.Web.Open()
	if err != nil {
		return nil, nil, err
	}
	endpoint := rtpio.Over(web, e.guard)
	web.Hear(endpoint.Deliver)
	return endpoint, browser{web}, nil
}

// connectKeyed connects a peer whose keys come from a handshake. Until they are
// there nothing is heard and nothing sent: what was negotiated waits for them.
func (st *stream) connectKeyed(r media.Remote) error {
	if r.Web == nil {
		return errors.New("connect stream: the peer's certificate is missing")
	}
	st.codec.Store(uint32(r.Codec)) // what is played from now on will be heard in it
	r = st.keyed.address(r)
	var err error
	open := st.do(func() {
		st.agreed = r
		if st.shaken != nil {
			r.SRTP = st.shaken
			err = st.connect(r)
		}
	})
	if !open {
		return fmt.Errorf("connect stream: %w", media.ErrClosed)
	}
	return errors.Join(err, st.keyed.begin(r, st.told))
}

// told takes the keys of a handshake, or that it or the path has failed.
func (st *stream) told(keys *media.SRTPKeys, err error) {
	st.do(func() {
		if err == nil {
			st.shaken, st.agreed.SRTP = keys, keys
			err = st.connect(st.agreed)
		}
		if err != nil {
			st.fail(err)
		}
	})
}

// fail tells the stream's owner that the peer's media is lost.
func (st *stream) fail(err error) {
	ev := media.StreamEvent{Kind: media.EventFailed, At: st.session.next, Failure: media.FailedPath}
	if e, ok := errors.AsType[*rtc.Error](err); ok {
		ev.Failure = e.Failure
	}
	st.session.engine.log.Info("secured media failed", "call_id", st.session.id, "stream", st.options.Name, "failure", ev.Failure.String())
	st.emit(ev)
}
