package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// curve is one line of a plot.
type curve struct {
	name   string
	points plotter.XYs
}

// draw writes curves as SVG. y begins at 0, so that a slope looks as steep as
// it is.
func draw(path, title, x, y string, curves []curve) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Y.Min, p.X.Min = 0, 0
	p.Legend.Top = true
	var all []any
	for _, c := range curves {
		all = append(all, c.name, c.points)
	}
	if err := plotutil.AddLinePoints(p, all...); err != nil {
		return err
	}
	p.Y.Max *= 1.3 // room for the legend
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, path)
}
