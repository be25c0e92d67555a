seen-waiting-citizen = Sizden bilgi bekliyoruz
seen-answered = Yanıtınız alındı
