package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// asked is a request as chatlog sent it to Elasticsearch.
type asked struct {
	uri  string
	body []byte
}

// recorder stands before Elasticsearch, passes everything on, and keeps the
// requests of one kind: what is measured beside chatlog is what chatlog asks.
type recorder struct {
	URL    string
	server *http.Server
	mutex  sync.Mutex
	kept   []asked
}

// record keeps requests to paths with this ending.
func record(elasticsearch, ending string) (*recorder, error) {
	target, err := url.Parse(elasticsearch)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	r := &recorder{URL: "http://" + listener.Addr().String()}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, ending) {
			body, err := io.ReadAll(q.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			q.Body = io.NopCloser(bytes.NewReader(body))
			r.mutex.Lock()
			r.kept = append(r.kept, asked{q.URL.RequestURI(), body})
			r.mutex.Unlock()
		}
		pass.ServeHTTP(w, q)
	})}
	go r.server.Serve(listener) // ends with close
	return r, nil
}

func (r *recorder) close() error { return r.server.Close() }

// again sends a request once more and reads the answer.
func (a asked) again(ctx context.Context, client *http.Client, base string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+a.uri, bytes.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("elasticsearch answers %d: %.200s", response.StatusCode, content)
	}
	return content, err
}

// connections are that many, kept open.
func connections(n int) *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: n, MaxIdleConnsPerHost: n, MaxConnsPerHost: n}}
}

// anyOf asks one of the requests.
func anyOf(all []asked, base string) func(context.Context, *rand.Rand) error {
	client := connections(readers)
	return func(ctx context.Context, r *rand.Rand) error {
		_, err := all[r.IntN(len(all))].again(ctx, client, base)
		return err
	}
}
