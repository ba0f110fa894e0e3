package house

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/spf13/viper"
)

// TestContainersAreConfined: whoever breaks into one of our containers is nobody
// there, cannot become anybody else, and has no disk to write to.
func TestContainersAreConfined(t *testing.T) {
	compose := viper.New()
	compose.SetConfigFile("../../docker-compose.yml")
	if err := compose.ReadInConfig(); err != nil {
		t.Fatal(err)
	}
	for name := range compose.GetStringMap("services") {
		s := compose.Sub("services." + name)
		if !slices.Contains(s.GetStringSlice("security_opt"), "no-new-privileges:true") || s.Get("healthcheck.test") == nil {
			t.Errorf("%s: may gain privileges, or has no health check", name)
		}
		if s.GetBool("privileged") || s.IsSet("cap_add") {
			t.Errorf("%s: has privileges", name)
		}
		if !s.IsSet("build") {
			continue
		}
		if !s.GetBool("read_only") || len(s.GetStringSlice("tmpfs")) == 0 || !slices.Equal(s.GetStringSlice("cap_drop"), []string{"ALL"}) {
			t.Errorf("%s: can write to its file system, or has capabilities", name)
		}
	}
	content, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	users := regexp.MustCompile(`(?m)^USER (\S+)$`).FindAllSubmatch(content, -1)
	if len(users) != 1 || !regexp.MustCompile(`^[1-9][0-9]{3,}$`).Match(users[0][1]) {
		t.Errorf("the image's user is %q, and must be a number that is not root's", users)
	}
}
