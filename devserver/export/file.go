package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile lets write fill the file at path. The bytes go into a file beside it, which gets the name when all is written:
// what stood there before stays until then, and a failure leaves nothing. A path that is no regular file (a pipe, a
// device) is written to as it is.
func WriteFile(path string, write func(io.Writer) error) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	info, err := os.Stat(real)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", path)
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(real, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(Explain(path, write(f)), f.Close())
	}
	return Explain(path, writeBeside(real, write))
}

func writeBeside(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // 0600: a recording is private
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Explain says of an error of writing what happened to the target. Other errors are returned as they are.
func Explain(target string, err error) error {
	var place *fs.PathError
	var rename *os.LinkError
	switch {
	case errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%s was closed by its reader before all was written (%w); the recording is untouched", target, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("there is no room for %s (%w); make room or name a file elsewhere with -o; the recording is untouched", target, err)
	case errors.Is(err, fs.ErrNotExist) && (errors.As(err, &rename) || errors.As(err, &place)):
		return fmt.Errorf("the folder of %s is not there (%w); name a file elsewhere with -o; the recording is untouched", target, err)
	}
	return err
}
