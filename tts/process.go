package tts

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// program is a speech engine that is a program: it is run for each utterance, reads
// the text on standard input and writes sound to standard output.
type program struct {
	path     string
	format   Format
	patience time.Duration
	slots    slots
}

// speak runs the program to its end. What it says on standard error may quote the
// text and is dropped. Its whole process group is killed when the context ends, or
// when its sound is of no use.
func (p program) speak(ctx context.Context, text string, args []string, hear Hear) error {
	ctx, pace := newPace(ctx, p.patience)
	defer pace.stop()
	if err := p.slots.take(ctx); err != nil {
		return err
	}
	defer p.slots.give()
	cmd := p.command(ctx, args)
	cmd.Stdin = strings.NewReader(printable(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errors.New("the program does not start") // err would name its arguments
	}
	heard := p.format.listen(out, pace, hear)
	if heard != nil {
		pace.cancel(heard)
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// command is a child with a group of its own, and an environment that holds nothing of
// ours but where programs and their data are.
func (p program) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// printable replaces control characters: espeak-ng takes Ctrl-A as the start
// of a command inside the text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
