package net

// The system has no flag for it: the agent marks the descriptor itself.
const devserverRecvFlags = 0
