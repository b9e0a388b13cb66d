//go:build unix && go1.27

package net

func devserverNewFD(sysfd, family, sotype int, net string) (*netFD, error) {
	return newFD(sysfd, family, sotype, net), nil
}
