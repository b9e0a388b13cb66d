package main

import (
	"fmt"
	"os"
)

// holdKeyboard is a program that hears the keys of its terminal until one comes, while others take the terminal's mode
// all the time, as the reader does whenever a signal wakes it.
func holdKeyboard() {
	pressed := make(chan []byte, 1)
	k, err := openKeyboard(os.Stdin, newTeller(os.Stderr).screen, func(keys []byte) { pressed <- keys })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	over := make(chan struct{})
	for range 2 {
		go func() {
			for {
				select {
				case <-over:
					return
				default:
					k.take()
				}
			}
		}()
	}
	<-pressed
	k.close()
	close(over)
}
