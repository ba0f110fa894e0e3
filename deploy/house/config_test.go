package house

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/spf13/viper"

	"chatlog/ingest/ingestd"
	"chatlog/query/queryd"
	"chatlog/shared/config"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

// shown is config.yaml with the keys that it only shows in comments.
func shown(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := regexp.MustCompile(`(?m)^( +)# ([a-z_]+: )`).ReplaceAll(content, []byte("$1$2"))
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keys lists a configuration's keys, as config.Load names them.
func keys(prefix string, t reflect.Type) (all []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("mapstructure")
		switch {
		case tag == ",squash":
			all = append(all, keys(prefix, f.Type)...)
		case f.Type.Kind() == reflect.Struct:
			all = append(all, keys(prefix+tag+".", f.Type)...)
		default:
			all = append(all, prefix+tag)
			if f.Type == reflect.TypeFor[config.Secret]() {
				all = append(all, prefix+tag+"_file")
			}
		}
	}
	return all
}

// TestConfigShowsEverything loads config.yaml over the defaults of each
// program: nothing may change, no key may be missing, none may be unknown.
func TestConfigShowsEverything(t *testing.T) {
	path := shown(t)
	file := viper.New()
	file.SetConfigFile(path)
	if err := file.ReadInConfig(); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	secret := []string{"CHATLOG_INGEST_TOKEN_SECRET=" + string(make64())}
	check := func(name string, loaded, defaults any, environ []string) {
		if err := config.Load(path, environ, loaded); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := reflect.ValueOf(loaded).Elem().Interface(), reflect.ValueOf(defaults).Elem().Interface(); !same(reflect.ValueOf(got), reflect.ValueOf(want)) {
			t.Errorf("%s: config.yaml does not show the defaults:\n shows %+v\n   are %+v", name, got, want)
		}
		for _, key := range keys("", reflect.TypeOf(loaded).Elem()) {
			known[key] = true
			if !file.IsSet(key) {
				t.Errorf("%s: config.yaml does not show %s", name, key)
			}
		}
	}
	ingest, query, sinks := ingestd.Default(), queryd.Default(), sinkd.Default()
	wantIngest, wantQuery, wantSinks := ingestd.Default(), queryd.Default(), sinkd.Default()
	check("ingest", &ingest, &wantIngest, secret)
	check("query", &query, &wantQuery, nil)
	check("sinks", &sinks, &wantSinks, nil)
	known["local.data_dir"], known["local.min_free"] = true, true // the all-in-one's own
	for _, key := range file.AllKeys() {
		if !known[key] {
			t.Errorf("config.yaml shows %s, which nobody reads", key)
		}
	}
	if got := telemetry.DefaultLog(); got.Level != file.GetString("log.level") {
		t.Errorf("config.yaml shows log.level %s, the default is %s", file.GetString("log.level"), got.Level)
	}
}

func make64() []byte {
	out := make([]byte, 64)
	for i := range out {
		out[i] = '5'
	}
	return out
}

// same compares two configurations but for secrets, which have no default.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Struct && a.Type() != reflect.TypeFor[time.Time]() {
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return a.Type() == reflect.TypeFor[config.Secret]() || reflect.DeepEqual(a.Interface(), b.Interface())
}
