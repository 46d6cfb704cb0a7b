"""Tests of calls over WebRTC, and the offers that they share."""
