# Başvuru formu
topic-ask = Başvurunuz ne hakkında?
topic-search = Yazarak arayın: çukur, çöp, köpek…
topic-none = Bu sözcüklere uyan konu yok; başka bir sözcük deneyin ya da kutuyu boşaltıp listeden seçin
topic-go = Devam et
topic-change = Konuyu değiştir
choose = Seçin
optional = (isteğe bağlı)
photo = Fotoğraflar
photo-hint = İsteğe bağlı; en çok 3 tane, her biri en çok 10 MB (JPEG, PNG, WebP). Çekim yeri ve cihaz bilgisi silinir.
photos = Fotoğraflar
photos-again = Fotoğrafları yeniden seçmeniz gerekir: tarayıcılar dosyaları hatırlamaz.
photo-alt = { $place }. fotoğraf
point = Enlem ve boylam
map-show = Haritada göster
map-here = Bulunduğum yeri kullan
map-chosen = Seçilen nokta:
map-failed = Konum alınamadı; adresi yazmanız yeterlidir.
map-label = Kentin haritası. Noktayı tıklayarak ya da yön tuşlarıyla seçin.
map-closer = Yakınlaştır
map-farther = Uzaklaştır

error-answer-missing = Bu soruyu yanıtlayın
error-answer-number = Bir sayı yazın
error-photos-many = En çok 3 fotoğraf gönderebilirsiniz
error-photo = { $place }. fotoğraf alınamadı: dosya bozuk ya da JPEG, PNG, WebP biçiminde değil
error-photo-large = { $place }. fotoğraf 10 MB'tan büyük

# Alındı belgesi
receipt-where = Takip adresi
receipt-print = Yazdır

# Başvuru takip
seen-remarked = Birimin açıklaması
seen-asked = Birim sizden bilgi istedi
seen-wrote = Siz yazdınız
question-title = Birimin size sorusu
answer = Yanıtınız
answer-hint = Yanıtınız gelince çalışma kaldığı yerden sürer.
answer-button = Yanıtı gönder
message = Eklemek istediğiniz bir şey var mı?
message-hint = İlgili birim okur. En çok 4.000 karakter.
message-button = Gönder
message-sent = Mesajınız alındı ve birime iletildi.
error-message-missing = Mesajınızı yazın
error-message-long = Mesaj en çok 4.000 karakter olabilir
error-message-refused = Mesaj bu haliyle kabul edilmedi; lütfen düzeltin
error-message-before = Bu mesaj daha önce gönderildi. Değiştirdiyseniz bir kez daha gönderin.
error-message-later = Mesajınızı şu anda alamıyoruz; lütfen biraz sonra yeniden deneyin
error-message-erased = Bu başvurunun kişisel verileri silindi, bu yüzden mesajınızı saklayamayız; lütfen yeni bir başvuru yapın
privacy-title = Aydınlatma metni
privacy-none = Bu kanal için yayımlanmış böyle bir aydınlatma metni yok.
privacy-version = { $channel } · sürüm { $version } · yayım: { $since }
privacy-old = Bu metin eski bir sürümdür.
privacy-current = Yürürlükteki metin
privacy-versions = Bütün sürümler
privacy-number = sürüm
privacy-whole = Aydınlatma metninin tamamı, yeni sekmede
error-notice = Aydınlatma metninin bu sürümü yayımlanmadı. Aşağıda yürürlükteki gösteriliyor; yeniden gönderin.
