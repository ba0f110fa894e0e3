package httpserve

import (
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// Gate says what guards a route; nil: nothing does.
type Gate interface {
	Of(method, pattern string) Guard
}

// Guard lets requests of a route in or turns them down.
type Guard interface {
	// Enter gives an error to answer with instead. It is asked before anything is
	// read of the body; token is the application's, empty where there is none.
	Enter(r *http.Request, token string) error
	// Missed hears that the answer will be 404.
	Missed(r *http.Request)
}

// Guard puts a gate before all routes that are added from now on.
func (r *Router) Guard(g Gate) { r.gate = g }

// guarded is a guard as a route has it: one word in what every request allocates.
type guarded struct{ Guard }

func (r *Router) guard(method, pattern string) *guarded {
	if r.gate == nil {
		return nil
	}
	if g := r.gate.Of(method, pattern); g != nil {
		return &guarded{g}
	}
	return nil
}

// enter lets a request in, or answers it.
func (g *guarded) enter(w http.ResponseWriter, req *http.Request, list httprouter.Params) bool {
	if g == nil {
		return true
	}
	rec := w.(*recorder)
	if err := g.Enter(req, list.ByName("token")); err != nil {
		rec.err = err
		WriteError(w, err)
		return false
	}
	rec.guard = g
	return true
}
