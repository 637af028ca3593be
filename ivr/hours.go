package ivr

import (
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones, also where the machine has none

	"go.yaml.in/yaml/v3"
)

// hours is a table of opening hours.
type hours struct {
	zone     *time.Location
	week     [7][]span // by time.Weekday
	holidays []dates
	days     map[string][]span // special days by date, before all else
}

// span is from one minute of a day to before another.
type span struct{ from, to int }

// dates is from one day to another, both included: 2026-10-01, or 10-01 in
// every year.
type dates struct{ from, to string }

func (d dates) holds(t time.Time) bool {
	day := t.Format(time.DateOnly)
	if len(d.from) == len("01-02") {
		day = t.Format("01-02")
	}
	if d.from > d.to { // every year, over its end
		return day >= d.from || day <= d.to
	}
	return d.from <= day && day <= d.to
}

func (h *hours) holiday(t time.Time) bool {
	t = t.In(h.zone)
	return slices.ContainsFunc(h.holidays, func(d dates) bool { return d.holds(t) })
}

// open reports whether t falls into opening hours: of a special day if it is
// one, else closed on a holiday, else those of the week.
func (h *hours) open(t time.Time) bool {
	t = t.In(h.zone)
	spans, special := h.days[t.Format(time.DateOnly)]
	if !special {
		if h.holiday(t) {
			return false
		}
		spans = h.week[t.Weekday()]
	}
	minute := t.Hour()*60 + t.Minute()
	return slices.ContainsFunc(spans, func(s span) bool { return s.from <= minute && minute < s.to })
}

func (l *loader) hours(n *yaml.Node) {
	m := l.report.Map(n, "hours")
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		what := "hours " + strconv.Quote(e.Name)
		table := l.report.Map(e.Value, what, "timezone", "open", "holidays", "days")
		if table == nil {
			continue
		}
		h := &hours{zone: l.flow.zone, days: map[string][]span{}}
		if zone := table.Get("timezone"); zone != nil {
			h.zone = l.zone(zone)
		}
		if open := l.report.Need(table, "open", what); open != nil {
			l.week(h, open, what)
		}
		for _, day := range l.report.List(table.Get("holidays")) {
			l.holiday(h, day, what)
		}
		if days := table.Get("days"); days != nil {
			l.days(h, days, what)
		}
		l.flow.hours[e.Name] = h
	}
}

func (l *loader) zone(n *yaml.Node) *time.Location {
	name, ok := l.report.String(n, "timezone")
	if !ok {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		l.report.Add(n, msgTimezone, name)
		return time.UTC
	}
	return zone
}

func weekdays() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

func (l *loader) week(h *hours, n *yaml.Node, what string) {
	m := l.report.Map(n, "open of "+what)
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		first, last, isRange := strings.Cut(e.Name, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(weekdays(), first), slices.Index(weekdays(), last)
		if from < 0 || to < 0 {
			l.report.Add(e.Key, msgWeekday, e.Name)
			continue
		}
		spans := l.spans(e.Value)
		for day := from; ; day = (day + 1) % 7 {
			h.week[day] = append(h.week[day], spans...)
			if day == to {
				break
			}
		}
	}
}

// spans reads 09:00-18:00, a list of such, or closed.
func (l *loader) spans(n *yaml.Node) []span {
	var spans []span
	for _, item := range l.report.List(n) {
		if item.Value == "closed" {
			continue
		}
		first, last, _ := strings.Cut(item.Value, "-")
		from, ok := minuteOfDay(first)
		to, okTo := minuteOfDay(last)
		if !ok || !okTo || to <= from {
			l.report.Add(item, msgSpan, item.Value)
			continue
		}
		spans = append(spans, span{from, to})
	}
	return spans
}

func minuteOfDay(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == len("15:04")
}

// holiday reads 2026-10-01, 2026-10-01..2026-10-07, or without the year.
func (l *loader) holiday(h *hours, n *yaml.Node, what string) {
	value, ok := l.report.String(n, "a holiday of "+what)
	if !ok {
		return
	}
	from, to, isRange := strings.Cut(value, "..")
	if !isRange {
		to = from
	}
	yearly := isDate(from, "01-02") && isDate(to, "01-02")
	dated := isDate(from, time.DateOnly) && isDate(to, time.DateOnly) && from <= to
	if !yearly && !dated {
		l.report.Add(n, msgHoliday, value)
		return
	}
	h.holidays = append(h.holidays, dates{from, to})
}

func isDate(s, layout string) bool {
	if layout == "01-02" { // in a leap year, so that 02-29 is one
		s, layout = "2024-"+s, time.DateOnly
	}
	_, err := time.Parse(layout, s)
	return err == nil
}

func (l *loader) days(h *hours, n *yaml.Node, what string) {
	m := l.report.Map(n, "days of "+what)
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		if !isDate(e.Name, time.DateOnly) {
			l.report.Add(e.Key, msgHoliday, e.Name)
			continue
		}
		h.days[e.Name] = l.spans(e.Value)
	}
}
