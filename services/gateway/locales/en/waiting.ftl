seen-waiting-citizen = We are waiting for your answer
seen-answered = Your answer was received
