// Yardstick is what chatlog's writes are measured against: a bare router that
// decodes and encodes the same JSON and keeps nothing, and a small service that
// does per message what a design with counters in Redis does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	"github.com/redis/go-redis/v9"
)

type posted struct {
	Message string `json:"message"`
}

type reply struct {
	Application string
	Chat        int64
	MessageID   int64
	Message     string
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	what := flag.String("what", "bare", "bare or counter")
	address := flag.String("redis", "", "Redis of the counters")
	flag.Parse()
	if err := serve(*listen, *what, *address); err != nil {
		fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

// serve serves until SIGTERM, and leaves nothing in Redis.
func serve(listen, what, address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: listen, Handler: bare(), ReadHeaderTimeout: 5 * time.Second}
	var tidied sync.WaitGroup
	if what == "counter" {
		client := redis.NewClient(&redis.Options{Addr: address, PoolSize: 512}) // one for each connection that is measured
		defer client.Close()
		server.Handler = counter(client)
		tidied.Go(func() { tidy(ctx, client) })
	}
	go func() {
		<-ctx.Done()
		server.Close() // nobody asks any more
	}()
	err := server.ListenAndServe()
	stop()
	tidied.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// tidy throws the jobs away, as workers would take them, or they fill Redis; and
// at the end the counters, too.
func tidy(ctx context.Context, client *redis.Client) {
	for ctx.Err() == nil {
		client.Unlink(ctx, "bench:rows", "bench:index") // if it fails, the next one does it
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	keys := client.Scan(end, 0, "bench:*", 1000).Iterator()
	for keys.Next(end) {
		client.Unlink(end, keys.Val()) // what is left is a few bytes
	}
}

func answer(w http.ResponseWriter, out reply) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(out) // a client that is gone is no matter
}

// bare decodes and encodes, and nothing else.
func bare() http.Handler {
	router := httprouter.New()
	var number atomic.Int64
	router.POST("/application/:token/chat/:chat/message", func(w http.ResponseWriter, r *http.Request, p httprouter.Params) {
		var in posted
		chat, err := strconv.ParseInt(p.ByName("chat"), 10, 64)
		if err = errors.Join(err, json.NewDecoder(r.Body).Decode(&in)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, reply{p.ByName("token"), chat, number.Add(1), in.Message})
	})
	return router
}

// counter asks Redis whether the chat is there, for the next number, and puts
// one job for the row and one for the index into lists, one after the other.
func counter(client *redis.Client) http.Handler {
	router := mux.NewRouter()
	router.HandleFunc("/application/{token}/chat/{chat}/message", func(w http.ResponseWriter, r *http.Request) {
		var in posted
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		token, chat := mux.Vars(r)["token"], mux.Vars(r)["chat"]
		number, err := count(r.Context(), client, token, chat, in.Message)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		n, _ := strconv.ParseInt(chat, 10, 64) // the route has only digits in use here
		answer(w, reply{token, n, number, in.Message})
	}).Methods(http.MethodPost)
	return router
}

func count(ctx context.Context, client *redis.Client, token, chat, message string) (int64, error) {
	if err := client.Get(ctx, "bench:"+token).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	number, err := client.Incr(ctx, "bench:"+token+":"+chat).Result()
	if err != nil {
		return 0, err
	}
	job, err := json.Marshal(map[string]any{"application": token, "chat": chat, "number": number, "message": message})
	if err != nil {
		return 0, err
	}
	if err := client.LPush(ctx, "bench:rows", job).Err(); err != nil {
		return 0, err
	}
	return number, client.LPush(ctx, "bench:index", job).Err()
}
