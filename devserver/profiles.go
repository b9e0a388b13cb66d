package devserver

import "github.com/seed-d81df0db/devserver/devserver/profile"

// ProfileInfo describes a built-in profile.
type ProfileInfo struct{ Name, Summary string }

// Profiles lists the built-in profiles.
func Profiles() []ProfileInfo {
	var all []ProfileInfo
	for _, p := range profile.List() {
		all = append(all, ProfileInfo(p))
	}
	return all
}

// ProfileText returns the YAML of a built-in profile, or of a file.
func ProfileText(name string) (string, error) {
	p, err := profile.Load(name)
	if err != nil {
		return "", err
	}
	return p.Text(), nil
}
