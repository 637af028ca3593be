package plc

// Concealing reports whether the last frame was made up and can still be heard.
func (c *Concealer) Concealing() bool { return c.run > 0 && c.run < fadeEnd*c.scale }

// Concealing reports whether the last frame was made up and can still be heard:
// if it was lost and this is false, the next that is lost will be silent.
func (d *Decoder) Concealing() bool { return d.conceal.Concealing() }
